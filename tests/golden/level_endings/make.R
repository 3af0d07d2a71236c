# How stays end in two groups made alike by overlap weights: survfit's multi-state curves, on data made here.
# Run in this directory: Rscript make.R
suppressPackageStartupMessages(library(survival))
set.seed(20250917)
options(digits = 17)

# One stay a person, in whole days with many ties: 0 still in, 1 completed, 2 left early, 3 ended by the programme, 4 moved.
n <- 420
severity <- pmin(10, pmax(0, round(rnorm(n, 5, 2), 1)))
unstable <- rbinom(n, 1, plogis(-.3 + .25 * (severity - 5)))
treated <- rbinom(n, 1, plogis(.3 - .35 * (severity - 5) - .4 * unstable))
planned <- ifelse(treated == 1, 56, 28)
leaves <- ceiling(rexp(n, exp(-4.6 + .22 * (severity - 5) + .4 * unstable + .3 * treated)))
way <- 2 + rbinom(n, 1, .12) + 2 * rbinom(n, 1, .15)
way <- pmin(way, 4)
ended <- pmin(planned, leaves)
cause <- ifelse(leaves <= planned, way, 1)
watched <- ceiling(runif(n, 10, 260))
time <- pmin(ended, watched)
cause[watched < ended] <- 0
input <- data.frame(person = seq_len(n), treated, severity, unstable, time, cause)
write.csv(input, "input.csv", row.names = FALSE)

days <- c(14, 28, 45, 80)
tau <- max(days)
event <- factor(cause, 0:4)
p <- fitted(glm(treated ~ severity + unstable, binomial, control = list(epsilon = 1e-14, maxit = 100)))
weights <- list(crude = rep(1, n), ATO = ifelse(treated == 1, 1 - p, p), ATE = ifelse(treated == 1, 1 / p, 1 / (1 - p)))
states <- c("in_programme", "completed", "left_early", "terminated", "transferred")
expected <- NULL
for (estimand in names(weights)) for (arm in 1:0) {
  d <- data.frame(time, event, w = weights[[estimand]], id = seq_len(n))[treated == arm, ]
  # The weights are known here: robust errors, each person's weight times survfit's influence. Where nobody is left,
  # the errors of all states still stand.
  fit <- survfit(Surv(time, event) ~ 1, d, weights = w, id = id, robust = TRUE, influence = TRUE, conf.type = "none")
  told <- summary(fit, times = days, extend = TRUE)
  shares <- data.frame(estimand, arm, state = rep(states, each = length(days)), at = rep(days, 5),
                       value = c(told$pstate), std_error = c(told$std.err))
  # Days in each state up to the last day: the area under the steps, its error from the influence on each step.
  inside <- fit$time < tau
  widths <- diff(c(0, fit$time[inside], tau))
  area <- colSums(rbind(c(1, 0, 0, 0, 0), fit$pstate[inside, , drop = FALSE]) * widths)
  pull <- apply(fit$influence.pstate[, seq_along(widths), ] * d$w, c(1, 3), function(line) sum(line * widths))
  areas <- data.frame(estimand, arm, state = states, at = -tau, value = area, std_error = sqrt(colSums(pull^2)))
  if (estimand == "crude") {  # survfit's own restricted means, where its weights are all 1
    table <- summary(fit, rmean = tau)$table
    stopifnot(all.equal(unname(table[, "rmean"]), unname(area), tolerance = 1e-12))
  }
  expected <- rbind(expected, shares, areas)
}
write.csv(expected, "expected.csv", row.names = FALSE)
writeLines(c(R.version.string, paste("survival", packageVersion("survival"))), "session.txt")
