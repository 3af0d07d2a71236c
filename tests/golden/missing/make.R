# Missing follow-up: bounds from first principles, response weights with survey, imputation and pooling with mice.
# Run in this directory: Rscript make.R
suppressPackageStartupMessages({library(survey); library(mice)})
set.seed(20250611)
options(digits = 17)

# Bounds: Imbens and Manski's equation by root search, each limit the score limit of prop.test at that quantile.
reach <- function(width, error, level) {
  if (width == 0) return(qnorm((1 + level) / 2))
  if (error == 0) return(qnorm(level))
  uniroot(function(c) pnorm(c + width / error) - pnorm(-c) - level, c(qnorm(level), qnorm((1 + level) / 2)),
          tol = 1e-14, extendInt = "upX")$root
}
counts <- data.frame(x = c(0, 0, 0, 1, 3, 9, 27, 60, 75, 120, 150, 200, 50, 10, 40),
                     reached = c(0, 8, 10, 4, 5, 30, 36, 80, 100, 160, 200, 200, 50, 10, 199),
                     due = c(10, 20, 10, 5, 50, 33, 60, 100, 125, 200, 400, 250, 120, 10, 200))
counts <- merge(counts, data.frame(conf_level = c(0.9, 0.95, 0.99)))
score <- function(x, n, c) suppressWarnings(prop.test(x, n, conf.level = 2 * pnorm(c) - 1, correct = FALSE)$conf.int)
limits <- t(mapply(function(x, reached, due, level) {
  lower <- x / due; upper <- (x + due - reached) / due
  c <- reach(upper - lower, sqrt(max(lower * (1 - lower), upper * (1 - upper)) / due), level)
  c(lower, upper, score(x, due, c)[1], score(x + due - reached, due, c)[2])
}, counts$x, counts$reached, counts$due, counts$conf_level))
colnames(limits) <- c("lower", "upper", "low", "high")
write.csv(cbind(counts, limits), "expected_bounds.csv", row.names = FALSE)

# Follow-up: people with one or more episodes, reached less often where the outcome is worse.
follow <- function(name, people, most, predictive, hard) {
  d <- data.frame(dataset = name, person = rep(seq_len(people), sample(most, people, replace = TRUE)))
  n <- nrow(d)
  d$weeks <- round(rgamma(n, 3, 0.4), 1)
  d$severity <- round(rnorm(people)[d$person], 2)
  d$cell <- findInterval(d$weeks, c(4, 8))
  drive <- predictive * (scale(d$weeks)[, 1] - d$severity)
  d$achieved <- rbinom(n, 1, plogis(drive))
  d$score <- round(50 + 8 * drive / max(predictive, 1) + rnorm(n, 0, 6), 1)
  away <- runif(n) > plogis(hard + drive)
  d$achieved[away] <- NA; d$score[away] <- NA
  d
}
input <- rbind(follow("some", 260, 2, 0.8, 0.3), follow("once", 300, 1, 1, 0.6), follow("small", 40, 1, 1.2, 0.2))
# One predictor tells the outcome perfectly.
parted <- follow("parted", 80, 1, 1, 0.5)
parted$achieved <- ifelse(is.na(parted$achieved), NA, as.integer(parted$severity < 0))
input <- rbind(input, parted)
write.csv(input, "input.csv", row.names = FALSE)

weighted <- NULL
for (name in c("some", "once", "small")) {
  d <- input[input$dataset == name, ]
  d$reached <- as.integer(!is.na(d$achieved)); d$y <- ifelse(d$reached == 1, d$achieved, 0)
  stopifnot(all(tapply(d$reached, d$cell, sum) > 0), length(unique(d$cell)) == 3)
  for (k in 0:2) { d[[paste0("d", k)]] <- as.integer(d$cell == k)
                   d[[paste0("r", k)]] <- d$reached * (d$cell == k); d[[paste0("t", k)]] <- d$y * (d$cell == k) }
  for (clustered in c(FALSE, TRUE)) {
    d$psu <- if (clustered) d$person else seq_len(nrow(d))
    design <- svydesign(ids = ~psu, weights = ~1, data = d)
    totals <- svytotal(~d0 + d1 + d2 + r0 + r1 + r2 + t0 + t1 + t2, design)
    share <- svycontrast(totals, quote((d0 * t0 / r0 + d1 * t1 / r1 + d2 * t2 / r2) / (d0 + d1 + d2)))
    heard <- svydesign(ids = ~psu, weights = ~1, data = d[d$reached == 1, ])
    post <- svymean(~y, postStratify(heard, ~cell, data.frame(cell = 0:2, Freq = c(table(d$cell)))))
    stopifnot(all.equal(c(coef(share)), c(coef(post)), check.attributes = FALSE, tolerance = 1e-12))
    weighted <- rbind(weighted, data.frame(dataset = name, clustered, value = c(coef(share)), std_error = c(SE(share)),
                                           fixed_mix_error = c(SE(post))))
  }
}
write.csv(weighted, "expected_weighted.csv", row.names = FALSE)

# Pooling: every column of mice::pool on nhanes, five imputations; and on coefficients that hardly vary.
imputed <- mice(nhanes, m = 5, seed = 123, print = FALSE)
fits <- with(imputed, lm(chl ~ age + bmi))
each <- do.call(rbind, lapply(seq_along(fits$analyses), function(i) {
  s <- summary(fits$analyses[[i]])$coefficients
  data.frame(imputation = i, term = rownames(s), estimate = s[, 1], variance = s[, 2]^2)
}))
write.csv(each, "completed.csv", row.names = FALSE)
pooled <- NULL
for (df in c(fits$analyses[[1]]$df.residual, Inf)) {
  p <- pool(fits, dfcom = df)
  limits <- summary(p, conf.int = TRUE)
  pooled <- rbind(pooled, data.frame(p$pooled, low = limits$`2.5 %`, high = limits$`97.5 %`, std_error = limits$std.error))
}
write.csv(pooled, "expected_pool.csv", row.names = FALSE)

# Imputation: the mean of the completed data in many imputations, its spread, and the mean of every filled-in row.
times <- 3000
summarise <- function(name, method, delta, y, x, draw) {
  missing <- is.na(y)
  filled <- replicate(times, as.numeric(draw(y, !missing, x)))
  means <- (sum(y, na.rm = TRUE) + colSums(filled)) / length(y)
  data.frame(dataset = name, method, delta, times, naive = mean(y, na.rm = TRUE), value = mean(means),
             between = var(means), kurtosis = mean((means - mean(means))^4) / var(means)^2)
}
spread <- NULL
for (name in c("once", "small", "parted")) {
  d <- input[input$dataset == name, ]
  x <- as.matrix(d[, c("weeks", "severity")])
  for (delta in c(0, -1))
    spread <- rbind(spread, summarise(name, "logreg", delta, d$achieved, x, function(y, ry, x) {
      if (delta == 0) mice.impute.logreg(y, ry, x) else mice.impute.mnar.logreg(y, ry, x, ums = as.character(delta))
    }))
  if (name != "parted")
    spread <- rbind(spread, summarise(name, "pmm", 0, d$score, x, function(y, ry, x) mice.impute.pmm(y, ry, x)))
}
write.csv(spread, "expected_imputed.csv", row.names = FALSE)
# People known only by one yes or no: equal predictions. The spread a Bayesian bootstrap within the two groups must have
# (Rubin 1981: a mean of n scores drawn so has the variance s2 / (n + 1)), and the spread of mice's pmm.
d <- input[input$dataset == "once", ]
group <- as.integer(d$weeks > 8); missing <- is.na(d$score)
proper <- sum(sapply(0:1, function(g) {
  y <- d$score[!missing & group == g]; n <- length(y); s2 <- mean((y - mean(y))^2); away <- sum(missing & group == g)
  (away / nrow(d))^2 * (s2 / (n + 1) + s2 * n / (n + 1) / away)
}))
means <- replicate(times, mean(c(d$score[!missing], mice.impute.pmm(d$score, !missing, matrix(group)))))
write.csv(data.frame(times, proper, mice = var(means)), "expected_ties.csv", row.names = FALSE)

writeLines(c(R.version.string, paste("survey", packageVersion("survey")), paste("mice", packageVersion("mice"))), "session.txt")
