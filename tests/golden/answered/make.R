# Groups compared where some outcomes are unknown: an answer counts the inverse of its chance, the
# propensity is fitted to answers so weighted, and its balance weight multiplies. On data made here.
# Base R only. Run in this directory: Rscript make.R
set.seed(20250903)
options(digits = 17)
n <- 260
person <- sample(rep(seq_len(220), length.out = n))
severity <- round(rnorm(n, 5, 2), 1)
worker <- rbinom(n, 1, .5)
treated <- rbinom(n, 1, plogis(-.3 + .4 * (severity - 5) - .5 * worker))
full <- rbinom(n, 1, plogis(.2 + .5 * treated - .4 * (severity - 5) + .5 * worker))
known <- rbinom(n, 1, plogis(.9 - .3 * (severity - 5) + .4 * treated + .3 * worker))
outcome <- ifelse(known == 1, full, NA)
write.csv(data.frame(person, treated, severity, worker, outcome), "input.csv", row.names = FALSE, na = "")

x <- cbind(1, severity, worker)
z <- cbind(x, treated)
y <- ifelse(known == 1, full, 0)
tight <- list(epsilon = 1e-14, maxit = 100)
gamma <- coef(glm(known ~ severity + worker + treated, binomial, control = tight))
counted <- function(gamma) known / plogis(drop(z %*% gamma))
alpha <- coef(glm(treated ~ severity + worker, quasibinomial, weights = counted(gamma), control = tight))
model <- function(group) coef(glm(y ~ severity + worker, binomial, subset = treated == group & known == 1, control = tight))
beta <- c(model(1), model(0))

mass <- function(alpha, gamma, estimand) {
  p <- plogis(drop(x %*% alpha))
  tilt <- list(ATO = p * (1 - p), ATE = 1, ATT = p, ATC = 1 - p)[[estimand]]
  counted(gamma) * tilt / ifelse(treated == 1, p, 1 - p)
}
# The stacked equations written down, their derivative taken by central differences; people as clusters, no factor.
sandwich <- function(psi, theta) {
  slope <- sapply(seq_along(theta), function(k) {
    h <- 1e-5 * max(1, abs(theta[k]))
    up <- down <- theta; up[k] <- up[k] + h; down[k] <- down[k] - h
    (colSums(psi(up)) - colSums(psi(down))) / (2 * h)
  })
  bread <- solve(slope)
  bread %*% crossprod(rowsum(psi(theta), person)) %*% t(bread)
}
row <- function(what, estimand, theta, v) {
  a <- length(theta) - 1; b <- length(theta)
  data.frame(what, estimand, treated = theta[a], reference = theta[b], treated_se = sqrt(v[a, a]),
             reference_se = sqrt(v[b, b]), difference = theta[a] - theta[b],
             difference_se = sqrt(v[a, a] + v[b, b] - 2 * v[a, b]))
}
scores <- function(t) {
  cbind(x * counted(t[4:7]) * (treated - plogis(drop(x %*% t[1:3]))), z * (known - plogis(drop(z %*% t[4:7]))))
}
expected <- NULL
for (estimand in c("ATO", "ATE", "ATT", "ATC")) {
  w <- mass(alpha, gamma, estimand)
  means <- c(weighted.mean(y[treated == 1], w[treated == 1]), weighted.mean(y[treated == 0], w[treated == 0]))
  psi <- function(t) {
    w <- mass(t[1:3], t[4:7], estimand)
    cbind(scores(t), treated * w * (y - t[8]), (1 - treated) * w * (y - t[9]))
  }
  theta <- c(alpha, gamma, means)
  expected <- rbind(expected, row("weighted", estimand, theta, sandwich(psi, theta)))
  if (estimand == "ATO") next
  target <- list(ATE = rep(1, n), ATT = treated, ATC = 1 - treated)[[estimand]]
  parts <- function(t, group) {
    m <- plogis(drop(x %*% if (group == 1) t[8:10] else t[11:13]))
    target * m + (treated == group) * mass(t[1:3], t[4:7], estimand) * (y - m)
  }
  theta <- c(alpha, gamma, beta)
  means <- c(sum(parts(theta, 1)), sum(parts(theta, 0))) / sum(target)
  psi <- function(t) {
    fit <- function(b, group) x * ((treated == group) * known * (y - plogis(drop(x %*% b))))
    cbind(scores(t), fit(t[8:10], 1), fit(t[11:13], 0), parts(t, 1) - target * t[14], parts(t, 0) - target * t[15])
  }
  theta <- c(theta, means)
  expected <- rbind(expected, row("doubly_robust", estimand, theta, sandwich(psi, theta)))
}
write.csv(expected, "expected.csv", row.names = FALSE)
writeLines(R.version.string, "session.txt")
