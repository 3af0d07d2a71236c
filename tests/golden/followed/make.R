# Cost in three parts of the time and an effect, of two groups; each part is known of those followed through it. Known by
# the inverse of its chance, balanced by a propensity fitted to the rows so weighted, parts added up. On data made here.
# Base R only. Run in this directory: Rscript make.R
set.seed(20250914)
options(digits = 17)
n <- 320
severity <- round(rnorm(n, 5, 2), 1)
worker <- rbinom(n, 1, .5)
treated <- rbinom(n, 1, plogis(-.2 + .3 * (severity - 5) - .4 * worker))
seen <- sapply(1:3, function(j) rbinom(n, 1, plogis(1.7 - .25 * (severity - 5) + .2 * treated)))
known <- t(apply(seen, 1, cumprod))
cost <- sapply(1:3, function(j) round(rgamma(n, 2, .01) * exp(.08 * (severity - 5) + .1 * treated * (j == 1)), 2))
effect <- rbinom(n, 1, plogis(.1 + .4 * treated - .3 * (severity - 5)))
cost[known == 0] <- NA
effect[known[, 1] == 0] <- NA
input <- data.frame(treated, severity, worker, cost, effect)
names(input)[4:6] <- c("first", "second", "third")
write.csv(input, "input.csv", row.names = FALSE, na = "")

x <- cbind(1, severity, worker)
z <- cbind(x, treated)
y <- ifelse(known == 1, cost, 0)
e <- ifelse(known[, 1] == 1, effect, 0)
tight <- list(epsilon = 1e-14, maxit = 100)
counted <- function(j, gamma) known[, j] / plogis(drop(z %*% gamma))
mass <- function(j, alpha, gamma, estimand) {
  p <- plogis(drop(x %*% alpha))
  counted(j, gamma) * (if (estimand == "ATO") p * (1 - p) else 1) / ifelse(treated == 1, p, 1 - p)
}
# The equations stacked: of each part the chance of being known (4), the propensity (3) and both groups' mean cost; and
# with the first part both groups' mean effect. Their derivative by central differences; no factor.
equations <- function(t, estimand) {
  out <- NULL
  for (j in 1:3) {
    own <- t[9 * (j - 1) + 1:9]
    gamma <- own[1:4]; alpha <- own[5:7]
    w <- mass(j, alpha, gamma, estimand)
    out <- cbind(out, z * (known[, j] - plogis(drop(z %*% gamma))),
                 x * counted(j, gamma) * (treated - plogis(drop(x %*% alpha))),
                 treated * w * (y[, j] - own[8]), (1 - treated) * w * (y[, j] - own[9]))
    if (j == 1) effects <- cbind(treated * w * (e - t[28]), (1 - treated) * w * (e - t[29]))
  }
  cbind(out, effects)
}
solve_for <- function(estimand) {
  t <- NULL
  for (j in 1:3) {
    gamma <- coef(glm(known[, j] ~ severity + worker + treated, binomial, control = tight))
    alpha <- coef(glm(treated ~ severity + worker, quasibinomial, weights = counted(j, gamma), control = tight))
    w <- mass(j, alpha, gamma, estimand)
    arm <- function(v, g) weighted.mean(v[treated == g], w[treated == g])
    t <- c(t, gamma, alpha, arm(y[, j], 1), arm(y[, j], 0))
    if (j == 1) effects <- c(arm(e, 1), arm(e, 0))
  }
  unname(c(t, effects))
}
expected <- NULL
for (estimand in c("ATO", "ATE")) {
  theta <- solve_for(estimand)
  slope <- sapply(seq_along(theta), function(k) {
    h <- 1e-5 * max(1, abs(theta[k]))
    up <- down <- theta; up[k] <- up[k] + h; down[k] <- down[k] - h
    (colSums(equations(up, estimand)) - colSums(equations(down, estimand))) / (2 * h)
  })
  bread <- solve(slope)
  v <- bread %*% crossprod(equations(theta, estimand)) %*% t(bread)
  # Mean cost and effect of the treated, then of the others, as sums of the stacked means.
  pick <- matrix(0, 4, 29)
  pick[1, c(8, 17, 26)] <- 1; pick[2, 28] <- 1; pick[3, c(9, 18, 27)] <- 1; pick[4, 29] <- 1
  means <- drop(pick %*% theta)
  covariance <- pick %*% v %*% t(pick)
  for (i in 1:4) for (j in 1:i)
    expected <- rbind(expected, data.frame(estimand, i, j, mean = means[i], covariance = covariance[i, j]))
}
write.csv(expected, "expected.csv", row.names = FALSE)
writeLines(R.version.string, "session.txt")
