# Partial pooling: empirical Bayes from the metafor package, and averaging over the spread by numerical integration.
# Run in this directory: Rscript make.R
suppressPackageStartupMessages(library(metafor))
options(digits = 17)

input <- rbind(
  # Eight schools (Rubin 1981).
  data.frame(dataset = "schools", value = c(28, 8, -3, 7, -1, 1, 18, 12), error = c(15, 10, 16, 11, 9, 11, 10, 18)),
  data.frame(dataset = "apart", value = c(-0.21, 0.02, 0.05, 0.3, 0.14, -0.02), error = c(0.06, 0.05, 0.05, 0.08, 0.03, 0.11)),
  data.frame(dataset = "three", value = c(0.1, -0.12, 0.04), error = c(0.05, 0.07, 0.03)))
write.csv(input, "input.csv", row.names = FALSE)

expected <- NULL
for (name in unique(input$dataset)) {
  d <- input[input$dataset == name, ]
  y <- d$value; v <- d$error^2; k <- length(y)
  for (method in c("REML", "DL")) {
    fit <- rma(y, v, method = method, control = list(threshold = 1e-14, maxiter = 10000))
    b <- blup(fit)
    expected <- rbind(expected, data.frame(dataset = name, centre = "estimated", method, group = seq_len(k), value = b$pred,
      low = b$pi.lb, high = b$pi.ub, tau2 = fit$tau2, middle = as.numeric(fit$beta)))
  }
  # Centre known to be 0: maximum likelihood of tau2, and moments (each squared z has mean 1 + tau2 / v).
  ml <- optimize(function(t) sum(dnorm(y, 0, sqrt(v + t), log = TRUE)), c(0, 100 * max(y^2)), maximum = TRUE, tol = 1e-12)$maximum
  if (ml > 0) {
    score <- function(t) sum((y^2 / (v + t) - 1) / (v + t))
    ml <- if (score(0) <= 0) 0 else uniroot(score, c(0, 100 * max(y^2)), tol = 1e-16)$root
  }
  dl <- max(0, (sum(y^2 / v) - k) / sum(1 / v))
  for (method in c("REML", "DL")) {
    t <- if (method == "REML") ml else dl
    own <- t / (t + v); reach <- qnorm(0.975) * sqrt(own * v)
    expected <- rbind(expected, data.frame(dataset = name, centre = "zero", method, group = seq_len(k), value = own * y,
      low = own * y - reach, high = own * y + reach, tau2 = t, middle = 0))
  }
  # Uniform prior on tau: posterior of each true value as a mixture over tau.
  for (centre in c("estimated", "zero")) {
    at <- function(t) {
      w <- 1 / (v + t^2)
      m <- if (centre == "zero") 0 else sum(w * y) / sum(w)
      u <- if (centre == "zero") 0 else 1 / sum(w)
      own <- t^2 * w
      log <- 0.5 * sum(log(w)) - 0.5 * sum(w * (y - m)^2) + (if (centre == "zero") 0 else 0.5 * log(u))
      list(log = log, mean = own * y + (1 - own) * m, sd = sqrt(own * v + (1 - own)^2 * u))
    }
    top <- optimize(function(t) at(t)$log, c(0, 100 * max(abs(y))), maximum = TRUE)$objective
    scale <- median(d$error)
    average <- function(f) integrate(function(x) sapply(x, function(one) {
      t <- scale * one / (1 - one)
      exp(at(t)$log - top) * f(t) / (1 - one)^2
    }), 0, 1, rel.tol = 1e-11, subdivisions = 2000)$value
    whole <- average(function(t) 1)
    for (g in seq_len(k)) {
      quantile_at <- function(p) uniroot(function(q) average(function(t) { a <- at(t); pnorm(q, a$mean[g], a$sd[g]) }) / whole - p,
        range(y) + c(-6, 6) * max(d$error), tol = 1e-11)$root
      expected <- rbind(expected, data.frame(dataset = name, centre, method = "integrated", group = g,
        value = average(function(t) at(t)$mean[g]) / whole, low = quantile_at(0.025), high = quantile_at(0.975), tau2 = NA, middle = NA))
    }
  }
}
write.csv(expected, "expected.csv", row.names = FALSE)
writeLines(c(R.version.string, paste("metafor", packageVersion("metafor"))), "session.txt")
