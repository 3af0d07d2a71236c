# Cost-effectiveness from its definitions: frontier, Fieller, joint differences, decisions under uncertainty, margins.
# Run in this directory: Rscript make.R
suppressPackageStartupMessages({library(survey); library(boot)})
set.seed(20250611)
options(digits = 17)
out <- function(data, name) write.csv(data, name, row.names = FALSE)

# Frontier. By definition, not by pruning: dominated if another strategy is no dearer and no less effective;
# extended-dominated if some mixture of two undominated ones is cheaper for the same effect. Ties on purpose.
sets <- do.call(rbind, lapply(1:30, function(set) {
  n <- sample(2:12, 1)
  cost <- 100 * sample(5:40, n, TRUE) + (set %% 3 == 0) * rnorm(n)
  data.frame(set, name = paste0("s", seq_len(n)), cost,
             effect = round(sqrt(cost) / 20 + rnorm(n, 0, 0.2), ifelse(set %% 3 == 0, 4, 1)))
}))
sets <- do.call(rbind, lapply(split(sets, sets$set), function(d) {
  same <- outer(d$cost, d$cost, "==") & outer(d$effect, d$effect, "==")
  beaten <- rowSums(outer(d$cost, d$cost, ">=") & outer(d$effect, d$effect, "<=") & !same) > 0
  mixed <- sapply(seq_len(nrow(d)), function(k) any(sapply(which(!beaten), function(i) sapply(which(!beaten), function(j) {
    if (!(d$effect[i] < d$effect[k] && d$effect[k] < d$effect[j])) return(FALSE)
    share <- (d$effect[k] - d$effect[i]) / (d$effect[j] - d$effect[i])
    (1 - share) * d$cost[i] + share * d$cost[j] < d$cost[k] - 1e-7
  }))))
  d$status <- ifelse(beaten, "dominated", ifelse(mixed, "extended_dominated", "on_frontier"))
  d$icer <- NA
  points <- unique(d[d$status == "on_frontier", c("cost", "effect")])
  points <- points[order(points$cost), ]
  points$step <- c(NA, diff(points$cost) / diff(points$effect))
  for (k in which(d$status == "on_frontier"))
    d$icer[k] <- points$step[points$cost == d$cost[k] & points$effect == d$effect[k]]
  d
}))
out(sets, "expected_frontier.csv")

# Fieller from means and covariances: the roots of the quadratic, and the whole line where it has none.
cases <- data.frame(top = c(1000, 1000, 100, -400, 300, 800, -50), bottom = c(0.2, 0.05, 0.05, 0.3, -0.25, 0.4, 0.02),
                    var_top = c(4e4, 4e4, 4e4, 2.5e4, 1e4, 0, 100), cov = c(2, 2, 2, -6, 3, 0, 0.1),
                    var_bottom = c(0.0025, 0.0025, 0.0025, 0.01, 0.004, 0.01, 0.001), df = c(Inf, Inf, Inf, 24, 11, 30, 8),
                    level = c(0.95, 0.95, 0.95, 0.95, 0.9, 0.99, 0.95))
fieller <- do.call(rbind, lapply(seq_len(nrow(cases)), function(i) with(cases[i, ], {
  q <- qt(0.5 + level / 2, df)^2
  roots <- polyroot(c(top^2 - q * var_top, -2 * (top * bottom - q * cov), bottom^2 - q * var_bottom))
  real <- all(abs(Im(roots)) < 1e-9 * (1 + abs(Re(roots))))
  shape <- if (bottom^2 > q * var_bottom) "interval" else if (real) "outside" else "whole_line"
  limits <- if (shape == "whole_line") c(-Inf, Inf) else sort(Re(roots))
  data.frame(cases[i, ], shape, low = limits[1], high = limits[2])
})))
out(fieller, "expected_fieller.csv")

# Fieller from people: the ratios that a one-sample t-test of cost - ratio * effect does not reject, by root finding.
people <- rbind(data.frame(shape = "interval", cost = rgamma(40, 4, scale = 300), effect = rbinom(40, 1, 0.7)),
                data.frame(shape = "outside", cost = rgamma(30, 2, scale = 500), effect = rbinom(30, 1, 0.5) - 0.4),
                data.frame(shape = "whole_line", cost = rnorm(30, 50, 400), effect = rnorm(30, 0.05, 1)))
out(people, "input_ratio.csv")
ratio <- do.call(rbind, lapply(unique(people$shape), function(shape) {
  d <- people[people$shape == shape, ]
  far <- function(r) t.test(d$cost - r * d$effect)$p.value - 0.05
  value <- mean(d$cost) / mean(d$effect)
  find <- function(from, to) uniroot(far, c(from, to), tol = 1e-12 * abs(value), extendInt = "no")$root
  grid <- value + c(-1, 1) %o% exp(seq(log(abs(value) / 1e3), log(abs(value) * 1e6), length.out = 4000))
  p <- apply(grid, c(1, 2), far)
  limits <- switch(shape, interval = {
      below <- which(p[1, ] < 0)[1]; above <- which(p[2, ] < 0)[1]
      c(find(grid[1, below], value), find(value, grid[2, above]))
    }, outside = {
      # From the value towards one side rejection begins and, further out, ends.
      side <- which(apply(p, 1, function(row) any(row < 0)))
      stopifnot(length(side) == 1)
      inside <- which(p[side, ] < 0)
      stopifnot(max(inside) < ncol(p))
      sort(c(find(min(value, grid[side, inside[1]]), max(value, grid[side, inside[1]])),
             find(min(grid[side, max(inside) + 0:1]), max(grid[side, max(inside) + 0:1]))))
    }, whole_line = { stopifnot(all(p > 0)); c(-Inf, Inf) })
  data.frame(shape, value, low = limits[1], high = limits[2])
}))
out(ratio, "expected_ratio.csv")

# Joint differences of two groups, some people in both, some with two stays: survey's linearisation with covariances.
# It has the factor m / (m - 1); taken away here.
n <- 150
person <- c(seq_len(n), sample(n, 40))
treated <- c(rbinom(n, 1, 0.5), rbinom(40, 1, 0.5))
frailty <- rnorm(n)[person]
rows <- data.frame(person, treated, cost = round(exp(7 + 0.4 * treated + 0.5 * frailty + rnorm(190, 0, 0.6)), 2),
                   effect = rpois(190, exp(3 + 0.2 * treated - 0.3 * frailty)))
out(rows, "input_people.csv")
design <- svydesign(ids = ~person, weights = ~1, data = rows)
arms <- svyby(~cost + effect, ~treated, design, svymean, covmat = TRUE)
order4 <- c("1:cost", "1:effect", "0:cost", "0:effect")
shrink <- (length(unique(person)) - 1) / length(unique(person))
means <- coef(arms)[order4]
spread <- vcov(arms)[order4, order4] * shrink
gap <- rbind(c(1, 0, -1, 0), c(0, 1, 0, -1))
out(data.frame(mean = means, spread, check.names = FALSE), "expected_arms.csv")
difference <- c(gap %*% means); covariance <- gap %*% spread %*% t(gap)
wtp <- c(0, 50, 150, 400)
worth <- wtp * difference[2] - difference[1]
error <- sqrt(wtp^2 * covariance[2, 2] - 2 * wtp * covariance[1, 2] + covariance[1, 1])
out(data.frame(wtp, value = worth, std_error = error, low = worth - qnorm(0.975) * error,
               high = worth + qnorm(0.975) * error), "expected_benefit.csv")

# The bootstrap of whole people, both outcomes together.
together <- function(ids, pick) {
  d <- do.call(rbind, lapply(c(1, 0), function(g) {
    sums <- rowsum(cbind(rows$cost, rows$effect, 1) * (rows$treated == g), factor(rows$person, ids))
    colSums(sums[pick, ])
  }))
  d[1, 1:2] / d[1, 3] - d[2, 1:2] / d[2, 3]
}
drawn <- boot(sort(unique(person)), together, R = 4000)
out(data.frame(what = c("cost", "effect", "correlation"), value = c(sd(drawn$t[, 1]), sd(drawn$t[, 2]), cor(drawn$t)[1, 2])),
    "expected_boot.csv")

# Decisions from draws of four strategies: shares, losses and values as defined; the prices at which the best mean
# changes from all crossings of two lines that no third one tops.
strategies <- 4; draws <- 250
cost <- sapply(c(900, 1500, 2600, 2400), function(m) m + 250 * rnorm(draws))
effect <- sapply(c(20, 32, 41, 30), function(m) m + 5 * rnorm(draws))
input <- data.frame(cost, effect)
names(input) <- c(paste0("cost", 1:4), paste0("effect", 1:4))
out(input, "input_draws.csv")
decide <- function(price) {
  benefit <- price * effect - cost
  top <- apply(benefit, 1, max)
  best <- which.max(colMeans(benefit))
  loss <- sapply(1:4, function(s) mean(top - benefit[, s]))
  c(sapply(1:4, function(s) mean(apply(benefit, 1, which.max) == s)), loss, best, mean(top) - max(colMeans(benefit)))
}
wtp <- c(0, 20, 45, 60, 90, 130, 300, 1000)
table <- data.frame(wtp, t(sapply(wtp, decide)))
names(table) <- c("wtp", paste0("share", 1:4), paste0("loss", 1:4), "best", "evpi")
out(table, "expected_decision.csv")
pairs <- combn(4, 2); c0 <- colMeans(cost); e0 <- colMeans(effect)
cross <- apply(pairs, 2, function(k) diff(c0[k]) / diff(e0[k]))
keep <- sapply(seq_along(cross), function(k) cross[k] > 0 &&
  max(cross[k] * e0 - c0) <= (cross[k] * e0 - c0)[pairs[1, k]] + 1e-6)
out(data.frame(switch = sort(cross[keep])), "expected_switches.csv")

# Inputs of a model at normal scores.
z <- c(-9, -2, -0.5, 0, 1, 2.5, 9)
q <- function(f, ...) ifelse(z < 0, f(pnorm(z), ...), f(pnorm(-z), ..., lower.tail = FALSE))
moments <- function(m, s) { k <- m * (1 - m) / s^2 - 1; c(m * k, (1 - m) * k) }
b <- moments(0.3, 0.05); s2 <- log(1 + (60 / 462)^2)
out(rbind(data.frame(family = "normal", mean = 7, std_error = 2, z, value = q(qnorm, 7, 2)),
          data.frame(family = "gamma", mean = 462, std_error = 60, z, value = q(qgamma, (462 / 60)^2, scale = 60^2 / 462)),
          data.frame(family = "lognormal", mean = 462, std_error = 60, z, value = q(qlnorm, log(462) - s2 / 2, sqrt(s2))),
          data.frame(family = "beta", mean = 0.3, std_error = 0.05, z, value = q(qbeta, b[1], b[2]))), "expected_margins.csv")
writeLines(c(R.version.string, paste("survey", packageVersion("survey")), paste("boot", packageVersion("boot"))), "session.txt")
