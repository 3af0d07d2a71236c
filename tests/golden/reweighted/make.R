# Means of cost and effect in two groups, weights fitted anew to each resample: glm on everybody, weighted by how often
# each person was drawn (times.csv, a line for each resample). Run from this folder: Rscript make.R
people <- read.csv("input.csv")
times <- as.matrix(read.csv("times.csv", header = FALSE))
exact <- glm.control(epsilon = 1e-15, maxit = 100)
known <- !is.na(people$effect)
out <- list()
for (b in seq_len(nrow(times))) {
  people$drawn <- times[b, ]
  reach <- glm(known ~ severity + worker + treated, binomial, people, weights = drawn, control = exact)
  people$counted <- ifelse(known, people$drawn / fitted(reach), 0)
  placement <- glm(treated ~ severity + worker, quasibinomial, people, weights = counted, control = exact)
  p <- predict(placement, people, type = "response")
  chance <- ifelse(people$treated == 1, p, 1 - p)
  for (estimand in c("ATO", "ATE", "ATT", "ATC")) {
    tilt <- switch(estimand, ATO = p * (1 - p), ATE = 1 + 0 * p, ATT = p, ATC = 1 - p)
    weight <- people$counted * tilt / chance
    mean_of <- function(column, side) weighted.mean(column[known & people$treated == side],
                                                    weight[known & people$treated == side])
    out[[length(out) + 1]] <- data.frame(
      draw = b, estimand = estimand,
      treated_cost = mean_of(people$cost, 1), treated_effect = mean_of(people$effect, 1),
      reference_cost = mean_of(people$cost, 0), reference_effect = mean_of(people$effect, 0)
    )
  }
}
out <- do.call(rbind, out)
out[3:6] <- lapply(out[3:6], function(x) formatC(x, digits = 15, format = "g"))
write.csv(out, "expected.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("stats", packageVersion("stats"))), "session.txt")
