# Three groups made alike by overlap and inverse weights from a multinomial logistic regression (package nnet), where some
# outcomes are unknown and known ones count by the inverse of their chance. On data made here.
# Run in this directory: Rscript make.R
library(nnet)
set.seed(20250921)
options(digits = 17)
n <- 420
severity <- round(rnorm(n, 5, 2), 1)
worker <- rbinom(n, 1, .5)
lines <- cbind(0, .3 + .25 * (severity - 5) - .3 * worker, -.2 + .45 * (severity - 5) - .6 * worker)
group <- apply(exp(lines), 1, function(p) sample(0:2, 1, prob = p))
cost <- round(rgamma(n, 2, .01) * exp(.1 * (severity - 5) + .2 * group), 2)
effect <- rbinom(n, 1, plogis(.1 + .3 * group - .3 * (severity - 5)))
known <- rbinom(n, 1, plogis(1.2 - .2 * (severity - 5) + .2 * (group == 2)))
input <- data.frame(group, severity, worker, cost = ifelse(known == 1, cost, NA), effect = ifelse(known == 1, effect, NA))
write.csv(input, "input.csv", row.names = FALSE, na = "")

x <- cbind(1, severity, worker)
z <- cbind(x, group == 1, group == 2)
y <- ifelse(known == 1, cost, 0)
e <- ifelse(known == 1, effect, 0)
counted <- function(gamma) known / plogis(drop(z %*% gamma))
chances <- function(alpha) {
  p <- exp(cbind(0, x %*% alpha[1:3], x %*% alpha[4:6]))
  p / rowSums(p)
}
mass <- function(alpha, gamma, estimand) {
  p <- chances(alpha)
  h <- if (estimand == "ATO") 1 / rowSums(1 / p) else 1
  counted(gamma) * h / p[cbind(1:n, group + 1)]
}
# The equations stacked: the chance of being known (5), of the groups (6), mean cost and effect of each group (6).
equations <- function(t, estimand) {
  gamma <- t[1:5]; alpha <- t[6:11]
  w <- mass(alpha, gamma, estimand)
  p <- chances(alpha)
  out <- cbind(z * (known - plogis(drop(z %*% gamma))), x * counted(gamma) * ((group == 1) - p[, 2]),
               x * counted(gamma) * ((group == 2) - p[, 3]))
  for (g in 0:2) out <- cbind(out, (group == g) * w * (y - t[12 + 2 * g]), (group == g) * w * (e - t[13 + 2 * g]))
  out
}
derive <- function(t, estimand) sapply(seq_along(t), function(k) {
  h <- 1e-5 * max(1, abs(t[k]))
  up <- down <- t; up[k] <- up[k] + h; down[k] <- down[k] - h
  (colSums(equations(up, estimand)) - colSums(equations(down, estimand))) / (2 * h)
})
gamma <- coef(glm(known ~ severity + worker + (group == 1) + (group == 2), binomial,
                  control = list(epsilon = 1e-14, maxit = 100)))
fit <- multinom(factor(group) ~ severity + worker, weights = counted(gamma), reltol = 1e-15, maxit = 1000, trace = FALSE)
write.csv(data.frame(group = 1:2, unname(coef(fit))), "expected_multinom.csv", row.names = FALSE)
expected <- NULL
for (estimand in c("ATO", "ATE")) {
  means <- function(alpha) {
    w <- mass(alpha, gamma, estimand)
    unlist(lapply(0:2, function(g) c(weighted.mean(y[group == g], w[group == g]), weighted.mean(e[group == g], w[group == g]))))
  }
  alpha <- c(t(coef(fit)))
  theta <- unname(c(gamma, alpha, means(alpha)))
  # multinom stops near the top; two Newton steps on the stacked equations take the last digits.
  for (i in 1:2) theta <- theta - drop(solve(derive(theta, estimand), colSums(equations(theta, estimand))))
  bread <- solve(derive(theta, estimand))
  v <- bread %*% crossprod(equations(theta, estimand)) %*% t(bread)
  for (i in 1:6) for (j in 1:i)
    expected <- rbind(expected, data.frame(estimand, i, j, mean = theta[11 + i], covariance = v[11 + i, 11 + j]))
}
write.csv(expected, "expected.csv", row.names = FALSE)
writeLines(c(R.version.string, paste("nnet", packageVersion("nnet"))), "session.txt")
