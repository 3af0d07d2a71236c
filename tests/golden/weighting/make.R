# Weighted and doubly robust effects, weighted curves and balance, on data made here.
# Run in this directory: Rscript make.R
suppressPackageStartupMessages({library(survival); library(survey); library(MatchIt)})
set.seed(20250802)
options(digits = 17)

# One row per stay. Some people have several stays, a few of them in both groups.
persons <- 180
person <- rep(seq_len(persons), sample(3, persons, replace = TRUE, prob = c(.6, .3, .1)))
n <- length(person)
own <- rnorm(persons)[person]
severity <- round(5 + own + rnorm(n), 1)
worker <- rbinom(n, 1, plogis(.3 * own))
history <- rpois(n, 2)
treated <- rbinom(n, 1, plogis(-.2 + .5 * (severity - 5) - .6 * worker + .15 * (history - 2)))
outcome <- round(20 + 3 * treated - 2 * (severity - 5) + 1.5 * history + treated * worker + 2 * own + rnorm(n, 0, 3), 2)
reached <- rbinom(n, 1, plogis(.2 + .6 * treated - .4 * (severity - 5) + .5 * worker + .4 * own))
exit <- ceiling(rexp(n, exp(-3.6 + .25 * (severity - 5) - .4 * treated)))
watched <- pmin(90, ceiling(runif(n, 20, 160)))
time <- pmin(exit, watched)
cause <- ifelse(exit > watched, 0, 1 + rbinom(n, 1, plogis(-.2 + .4 * worker)))
input <- data.frame(person, treated, severity, worker, history, outcome, reached, time, cause)

x <- cbind(1, severity, worker, history)
estimands <- c("ATO", "ATE", "ATT", "ATC")
weigh <- function(beta, estimand) {
  p <- plogis(drop(x %*% beta))
  tilt <- list(ATO = p * (1 - p), ATE = 1, ATT = p, ATC = 1 - p)[[estimand]]
  tilt / ifelse(treated == 1, p, 1 - p)
}
score <- glm(treated ~ severity + worker + history, binomial, control = list(epsilon = 1e-14, maxit = 100))
alpha <- coef(score)

# The stacked equations written down, their derivative taken by central differences; people as clusters, no factor.
sandwich <- function(psi, theta, cluster) {
  slope <- sapply(seq_along(theta), function(k) {
    h <- 1e-5 * max(1, abs(theta[k]))
    up <- down <- theta; up[k] <- up[k] + h; down[k] <- down[k] - h
    (colSums(psi(up)) - colSums(psi(down))) / (2 * h)
  })
  bread <- solve(slope)
  bread %*% crossprod(rowsum(psi(theta), cluster)) %*% t(bread)
}
row <- function(what, estimand, outcome_name, clustered, theta, v) {
  a <- length(theta) - 1; b <- length(theta)
  data.frame(what, estimand, outcome = outcome_name, clustered, treated = theta[a], reference = theta[b],
             treated_se = sqrt(v[a, a]), reference_se = sqrt(v[b, b]), difference = theta[a] - theta[b],
             difference_se = sqrt(v[a, a] + v[b, b] - 2 * v[a, b]),
             log_ratio_se = sqrt(v[a, a] / theta[a]^2 + v[b, b] / theta[b]^2 - 2 * v[a, b] / theta[a] / theta[b]))
}
expected <- NULL
for (clustered in c(TRUE, FALSE)) for (name in c("outcome", "reached")) {
  y <- input[[name]]
  family <- if (name == "reached") binomial() else gaussian()
  mean_of <- if (name == "reached") plogis else identity
  cluster <- if (clustered) person else seq_len(n)
  for (estimand in estimands) {
    w <- weigh(alpha, estimand)
    by_survey <- coef(svyglm(y ~ treated, svydesign(ids = ~1, weights = w, data = data.frame(y, treated))))
    means <- c(weighted.mean(y[treated == 1], w[treated == 1]), weighted.mean(y[treated == 0], w[treated == 0]))
    stopifnot(abs(by_survey[2] - (means[1] - means[2])) < 1e-9)
    psi <- function(theta) {
      w <- weigh(theta[1:4], estimand)
      cbind(x * (treated - plogis(drop(x %*% theta[1:4]))), treated * w * (y - theta[5]), (1 - treated) * w * (y - theta[6]))
    }
    theta <- c(alpha, means)
    expected <- rbind(expected, row("weighted", estimand, name, clustered, theta, sandwich(psi, theta, cluster)))
    if (estimand == "ATO") next
    member <- list(ATE = rep(1, n), ATT = treated, ATC = 1 - treated)[[estimand]]

    # Doubly robust: an outcome model in each group, on severity and worker only.
    z <- x[, 1:3]
    control <- list(epsilon = 1e-14, maxit = 100)
    g1 <- coef(glm(y ~ z - 1, family, subset = treated == 1, control = control))
    g0 <- coef(glm(y ~ z - 1, family, subset = treated == 0, control = control))
    psi <- function(theta) {
      w <- weigh(theta[1:4], estimand)
      m1 <- mean_of(drop(z %*% theta[5:7])); m0 <- mean_of(drop(z %*% theta[8:10]))
      cbind(x * (treated - plogis(drop(x %*% theta[1:4]))), z * (treated * (y - m1)), z * ((1 - treated) * (y - m0)),
            member * (m1 - theta[11]) + treated * w * (y - m1), member * (m0 - theta[12]) + (1 - treated) * w * (y - m0))
    }
    m1 <- mean_of(drop(z %*% g1)); m0 <- mean_of(drop(z %*% g0))
    theta <- c(alpha, g1, g0, sum(member * m1 + treated * w * (y - m1)) / sum(member),
               sum(member * m0 + (1 - treated) * w * (y - m0)) / sum(member))
    expected <- rbind(expected, row("doubly_robust", estimand, name, clustered, theta, sandwich(psi, theta, cluster)))

    # Standardised: one model, the effect differing by worker; everyone's outcome unknown on every seventh row.
    known <- seq_len(n) %% 7 != 0
    at <- function(a) cbind(x, a, a * worker)
    g <- coef(glm(y ~ at(treated) - 1, family, subset = known, control = control))
    psi <- function(theta) {
      fitted <- mean_of(drop(at(treated) %*% theta[1:6]))
      cbind(at(treated) * (known * (y - fitted)), member * (mean_of(drop(at(rep(1, n)) %*% theta[1:6])) - theta[7]),
            member * (mean_of(drop(at(rep(0, n)) %*% theta[1:6])) - theta[8]))
    }
    theta <- c(g, weighted.mean(mean_of(drop(at(rep(1, n)) %*% g)), member), weighted.mean(mean_of(drop(at(rep(0, n)) %*% g)), member))
    expected <- rbind(expected, row("standardised", estimand, name, clustered, theta, sandwich(psi, theta, cluster)))
  }
}
write.csv(expected, "expected.csv", row.names = FALSE)

# Weighted curves: survfit's curves and influences with the weights held fixed, plus the score's influence through the
# derivative of the whole curve by the score's coefficients, taken by central differences (every curve fitted anew).
event <- factor(cause, 0:2)
days <- c(14, 30, 60)
tau <- 75
read <- function(w, arm, people = seq_len(n)) {
  d <- data.frame(time, event, w, id = people)[arm, ]
  fit <- survfit(Surv(time, event) ~ 1, d, weights = w, id = id, influence = TRUE)
  states <- summary(fit, times = days)$pstate
  # The area under each curve: steps of day width.
  edges <- c(0, fit$time[fit$time < tau], tau)
  step <- rbind(c(1, 0, 0), fit$pstate[fit$time < tau, , drop = FALSE])
  pull <- fit$influence.pstate * d$w  # survfit's influence is a derivative; its std.err is that of weight times it
  at <- function(day) if (any(fit$time <= day)) 1 + sum(fit$time <= day) else 1
  # influence.pstate: rows x times (the start among them) x states
  values <- c(states, colSums(diff(edges) * step))
  upto <- seq_len(1 + sum(fit$time < tau))
  areas <- apply(pull[, upto, ], c(1, 3), function(line) sum(line * diff(edges)))
  each <- cbind(matrix(aperm(sapply(days, function(day) pull[, at(day), ], simplify = "array"), c(1, 3, 2)), nrow(d)), areas)
  list(values = values, pull = each)
}
p <- fitted(score)
score_pull <- t(solve(crossprod(x, x * p * (1 - p)), t(x * (treated - p))))
curves <- NULL
for (estimand in c(estimands, "crude")) {
  slopes <- list()
  w <- if (estimand == "crude") rep(1, n) else weigh(alpha, estimand)
  pulls <- list(); values <- list()
  for (arm in 1:0) {
    picked <- which(treated == arm)
    now <- read(w, picked)
    values[[2 - arm]] <- now$values
    pull <- matrix(0, n, length(now$values))
    pull[picked, ] <- now$pull
    if (estimand != "crude") {
      slope <- sapply(seq_along(alpha), function(k) {
        h <- 1e-5; up <- down <- alpha; up[k] <- up[k] + h; down[k] <- down[k] - h
        (read(weigh(up, estimand), picked)$values - read(weigh(down, estimand), picked)$values) / (2 * h)
      })
      pull <- pull + score_pull %*% t(slope)
    }
    pulls[[2 - arm]] <- rowsum(pull, person)
  }
  what <- c(outer(days, c("still_in", "1", "2"), function(day, state) paste(state, day)), paste(c("still_in", "1", "2"), "area"))
  gap <- values[[1]] - values[[2]]
  curves <- rbind(curves, data.frame(estimand, what, treated = values[[1]], reference = values[[2]],
    treated_se = sqrt(colSums(pulls[[1]]^2)), reference_se = sqrt(colSums(pulls[[2]]^2)), difference = gap,
    difference_se = sqrt(colSums((pulls[[1]] - pulls[[2]])^2))))
}
write.csv(curves, "expected_curves.csv", row.names = FALSE)

# The same errors by a bootstrap over people with the score fitted anew in every resample.
mine <- split(seq_len(n), person)
again <- function(estimand) {
  rows <- unlist(mine[sample(persons, replace = TRUE)], use.names = FALSE)
  xb <- x[rows, ]; tb <- treated[rows]
  pb <- glm.fit(xb, tb, family = binomial())$fitted.values
  tilt <- list(ATO = pb * (1 - pb), ATE = 1)[[estimand]]
  wb <- tilt / ifelse(tb == 1, pb, 1 - pb)
  mean_gap <- weighted.mean(outcome[rows][tb == 1], wb[tb == 1]) - weighted.mean(outcome[rows][tb == 0], wb[tb == 0])
  area <- function(arm) {
    fit <- survfit(Surv(time[rows], event[rows]) ~ 1, weights = wb, subset = tb == arm, se.fit = FALSE)
    edges <- c(0, fit$time[fit$time < tau], tau)
    sum(diff(edges) * c(0, fit$pstate[fit$time < tau, 2]))
  }
  c(mean_gap, area(1) - area(0))
}
boots <- do.call(rbind, lapply(c("ATO", "ATE"), function(estimand) {
  draws <- replicate(1500, again(estimand))
  data.frame(estimand, what = c("outcome", "1 area"), std_error = apply(draws, 1, sd))
}))
write.csv(boots, "expected_boot.csv", row.names = FALSE)

# Balance, as MatchIt counts it: differences over the unweighted standard deviation, variance ratios, largest distance of
# the distributions; before, and with the weights of matching with replacement (ATT, ATC) or of subclasses (ATE).
balance <- NULL
for (estimand in c("ATT", "ATC", "ATE")) {
  formula <- treated ~ severity + worker + history
  made <- if (estimand == "ATE") matchit(formula, input, method = "subclass", estimand = "ATE", subclass = 4) else
    matchit(formula, input, method = "nearest", replace = TRUE, ratio = 2, estimand = estimand)
  input[[paste0("weight_", estimand)]] <- round(made$weights, 6)
  told <- summary(made)
  after <- if (estimand == "ATE") told$sum.across else told$sum.matched
  for (when in c("before", "after")) {
    table <- (if (when == "before") told$sum.all else after)[c("severity", "worker", "history"), ]
    balance <- rbind(balance, data.frame(estimand, when, covariate = rownames(table), difference = table[, "Std. Mean Diff."],
      variance_ratio = table[, "Var. Ratio"], distance = table[, "eCDF Max"]))
  }
}
write.csv(balance, "expected_balance.csv", row.names = FALSE)
write.csv(input, "input.csv", row.names = FALSE)
writeLines(c(R.version.string, sapply(c("survival", "survey", "MatchIt"), function(p) paste(p, packageVersion(p)))), "session.txt")
