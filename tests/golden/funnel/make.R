# Funnel limits from binomial quantiles, over-dispersion from its formulas and from a chi-squared test.
# Run in this directory: Rscript make.R
set.seed(20250611)
options(digits = 17)

# Spiegelhalter (2005), appendix A.1.1: the smallest count with at least probability p below it, interpolated.
interpolated <- function(p, n, target) {
  r <- qbinom(p, n, target)
  alpha <- (pbinom(r, n, target) - p) / (pbinom(r, n, target) - pbinom(r - 1, n, target))
  (r - alpha) / n
}

grid <- expand.grid(n = c(1, 5, 12, 20, 57, 200, 1500), target = c(0.03, 0.3, 0.5, 0.72, 0.98), level = c(0.95, 0.998))
tail <- (1 - grid$level) / 2
grid$lower <- pmax(mapply(interpolated, tail, grid$n, grid$target), 0)
grid$upper <- pmin(1 - mapply(interpolated, tail, grid$n, 1 - grid$target), 1)
reach <- qnorm(1 - tail) * sqrt(grid$target * (1 - grid$target) / grid$n)
grid$normal_lower <- pmax(grid$target - reach, 0)
grid$normal_upper <- pmin(grid$target + reach, 1)
write.csv(grid, "expected_limits.csv", row.names = FALSE)

sites <- function(name, k, target, spread) {
  units <- sample(15:400, k)
  share <- plogis(qlogis(target) + rnorm(k, 0, spread))
  data.frame(dataset = name, events = rbinom(k, units, share), units)
}
input <- rbind(sites("even", 25, 0.6, 0), sites("uneven", 25, 0.6, 0.5), sites("few", 4, 0.2, 0.4))
write.csv(input, "input.csv", row.names = FALSE)

expected <- NULL
for (name in unique(input$dataset)) for (q in c(0, 0.1)) {
  d <- input[input$dataset == name, ]
  k <- nrow(d); p <- sum(d$events) / sum(d$units)
  s2 <- p * (1 - p) / d$units
  z <- (d$events / d$units - p) / sqrt(s2)
  edges <- quantile(z, c(q, 1 - q), names = FALSE)
  phi <- sum(pmin(pmax(z, edges[1]), edges[2])^2) / k
  w <- 1 / s2
  tau2 <- max(0, (k * phi - (k - 1)) / (sum(w) - sum(w^2) / sum(w)))
  test <- suppressWarnings(chisq.test(cbind(d$events, d$units - d$events)))
  stopifnot(all.equal(unname(test$statistic), sum(z^2), tolerance = 1e-12))
  n <- 80; reach <- qnorm(0.975)
  expected <- rbind(expected, data.frame(
    dataset = name, winsorise = q, target = p, phi, tau2, statistic = unname(test$statistic),
    df = unname(test$parameter), p_value = test$p.value,
    multiplicative_lower = max(0, p - reach * sqrt(max(1, phi) * p * (1 - p) / n)),
    additive_lower = max(0, p - reach * sqrt(p * (1 - p) / n + tau2))))
}
write.csv(expected, "expected_dispersion.csv", row.names = FALSE)

# People with several units each: variance of a mean with people as clusters over the binomial variance.
people <- data.frame(group = rep(c("a", "b", "c"), c(60, 25, 8)))
people$units <- sample(6, nrow(people), replace = TRUE)
people$events <- rbinom(nrow(people), people$units, rbeta(nrow(people), 1.5, 1))
write.csv(people, "input_people.csv", row.names = FALSE)
parts <- sapply(split(people, people$group), function(d) {
  m <- nrow(d); n <- sum(d$units); p <- sum(d$events) / n
  c(m / (m - 1) * sum((d$events - p * d$units)^2), n^2 * p * (1 - p) / (n - 1))
})
write.csv(data.frame(design_effect = sum(parts[1, ]) / sum(parts[2, ])), "expected_design.csv", row.names = FALSE)
writeLines(R.version.string, "session.txt")
