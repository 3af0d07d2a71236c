# Sizes for a share against a threshold, for two shares, and for a mean. Run in this directory: Rscript make.R.
# Two shares and means come from R's own functions; the share against a threshold is the closed formula, written anew,
# and beside it the exact chance that Wilson's interval leaves the threshold outside at that size.
options(digits = 17)
tight <- .Machine$double.eps^0.75
levels <- expand.grid(power = c(0.5, 0.8, 0.9), conf = c(0.9, 0.95, 0.99))

one <- merge(data.frame(first = c(0.8, 0.8, 0.5, 0.1, 0.95), second = c(0.85, 0.7, 0.6, 0.2, 0.98)), levels)
one$what <- "share"
one$exact <- with(one, {
  a <- qnorm((1 - conf) / 2, lower.tail = FALSE)
  b <- qnorm(power)
  ((a * sqrt(first * (1 - first)) + b * sqrt(second * (1 - second))) / (second - first))^2
})
wilson_leaves_outside <- function(p0, p1, n, conf) {
  x <- 0:n
  z <- qnorm((1 - conf) / 2, lower.tail = FALSE)
  outside <- abs(x / n - p0) > z * sqrt(p0 * (1 - p0) / n)
  sum(dbinom(x[outside], n, p1))
}
one$chance <- mapply(wilson_leaves_outside, one$first, one$second, ceiling(one$exact), one$conf)

two <- merge(data.frame(first = c(0.5, 0.5, 0.8, 0.05), second = c(0.75, 0.55, 0.85, 0.15)), levels)
two$what <- "difference"
two$exact <- mapply(function(p1, p2, power, conf)
  power.prop.test(p1 = p1, p2 = p2, power = power, sig.level = 1 - conf, tol = tight)$n,
  two$first, two$second, two$power, two$conf)
two$chance <- NA

mean <- merge(data.frame(first = c(1, 10, 3.5, 1, 40), second = c(1, 5, 0.4, 0.02, 12)), levels)
mean$what <- "mean"
mean$exact <- mapply(function(sd, delta, power, conf)
  power.t.test(delta = delta, sd = sd, power = power, sig.level = 1 - conf, type = "one.sample", tol = tight)$n,
  mean$first, mean$second, mean$power, mean$conf)
mean$chance <- NA

columns <- c("what", "first", "second", "power", "conf")
all <- rbind(one, two, mean)
write.csv(all[columns], "input.csv", row.names = FALSE, quote = FALSE)
write.csv(all[c(columns, "exact", "chance")], "expected.csv", row.names = FALSE, quote = FALSE, na = "")
writeLines(R.version.string, "session.txt")
