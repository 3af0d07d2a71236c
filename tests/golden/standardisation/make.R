# Observed over expected, its limits, a logistic risk model and its calibration.
# Run in this directory: Rscript make.R
set.seed(20250612)
options(digits = 17)

cases <- data.frame(observed = c(0, 1, 3, 9, 30, 112), expected = c(2.2, 0.4, 3, 14.5, 24, 100.25))
z <- qnorm(0.975)
o <- cases$observed
cases$value <- o / cases$expected
cases$byar_low <- ifelse(o == 0, 0, o * (1 - 1 / (9 * pmax(o, 1)) - z / (3 * sqrt(pmax(o, 1))))^3) / cases$expected
cases$byar_high <- (o + 1) * (1 - 1 / (9 * (o + 1)) + z / (3 * sqrt(o + 1)))^3 / cases$expected
exact <- t(mapply(function(o, e) poisson.test(o, e)$conf.int, o, cases$expected))
cases$exact_low <- exact[, 1]
cases$exact_high <- exact[, 2]
write.csv(cases, "expected_ratio.csv", row.names = FALSE)

n <- 600
d <- data.frame(severity = round(rnorm(n), 3), before = rpois(n, 1), steady = rbinom(n, 1, 0.6), fold = rep(0:4, length.out = n))
d$event <- rbinom(n, 1, plogis(-0.4 + 0.7 * d$severity + 0.3 * d$before - 0.5 * d$steady))
write.csv(d, "input.csv", row.names = FALSE)
exactly <- glm.control(epsilon = 1e-14, maxit = 100)
model <- event ~ severity + before + steady
fit <- glm(model, binomial, d, control = exactly)
held <- numeric(n)
for (k in 0:4) {
  part <- glm(model, binomial, d[d$fold != k, ], control = exactly)
  held[d$fold == k] <- predict(part, d[d$fold == k, ], type = "response")
}
write.csv(data.frame(fitted = fitted(fit), held_out = held), "expected_risk.csv", row.names = FALSE)

logit <- qlogis(held)
large <- glm(d$event ~ 1 + offset(logit), family = binomial, control = exactly)
slope <- glm(d$event ~ logit, family = binomial, control = exactly)
# Sandwich: bread from the information, meat from the scores, with the factor n / (n - 1).
sandwich <- function(fit, columns) {
  bread <- solve(crossprod(columns * sqrt(fitted(fit) * (1 - fitted(fit)))))
  sqrt(diag(n / (n - 1) * bread %*% crossprod(columns * (d$event - fitted(fit))) %*% bread))
}
r <- rank(held); n1 <- sum(d$event)
write.csv(data.frame(
  ratio = n1 / sum(held),
  intercept = coef(large)[1], intercept_error = sandwich(large, matrix(1, n, 1))[1],
  slope = coef(slope)[2], slope_error = sandwich(slope, cbind(1, logit))[2],
  concordance = (sum(r[d$event == 1]) - n1 * (n1 + 1) / 2) / (n1 * (n - n1)),
  brier = mean((d$event - held)^2)), "expected_calibration.csv", row.names = FALSE)
fifth <- cut(held, c(-Inf, quantile(held, 1:4 / 5), Inf), labels = FALSE)
write.csv(data.frame(units = c(table(fifth)), observed = c(tapply(d$event, fifth, sum)),
                     expected = c(tapply(held, fifth, sum))), "expected_fifths.csv", row.names = FALSE)
writeLines(R.version.string, "session.txt")
