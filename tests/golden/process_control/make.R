# Control charts from the formulas of their sources, in base R (stats for the quantiles of the binomial and geometric
# distributions and for Pearson's chi-squared). Run in this directory: Rscript make.R
options(digits = 17)
set.seed(20250704)
save <- function(table, name) write.csv(table, name, row.names = FALSE)

# XmR. Series: costs of processing 20 loan applications, Montgomery, Introduction to Statistical Quality Control,
# chapter 6. Published: centre 300.5, mean moving range 7.79, limits 279.78 and 321.22.
input <- data.frame(value = c(310, 288, 297, 298, 307, 303, 294, 297, 308, 306, 294, 299, 297, 299, 314, 295, 293,
                              306, 301, 304))
save(input, "input.csv")
range <- mean(abs(diff(input$value)))
centre <- mean(input$value)
save(data.frame(centre, mean_range = range, lower = centre - 3 * range / 1.128, upper = centre + 3 * range / 1.128,
                range_limit = 3.267 * range), "expected.csv")

# Shares. "cans": nonconforming cans of orange juice concentrate, 30 samples of 50, Montgomery, table 7.1. Published,
# without samples 15 and 23: centre .2150, limits .0407 and .3893. The others: counts that do and do not differ from
# month to month beyond counting, with different numbers of units.
cans <- c(12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6)
calm <- round(runif(24, 30, 300))
wide <- round(runif(24, 400, 4000))
shares <- rbind(data.frame(dataset = "cans", events = cans, units = 50),
                data.frame(dataset = "calm", events = rbinom(24, calm, 0.2), units = calm),
                data.frame(dataset = "wide", events = rbinom(24, wide, rbeta(24, 20, 60)), units = wide),
                data.frame(dataset = "few", events = rbinom(20, 12, 0.04), units = 12))
shares$baseline <- !(shares$dataset == "cans" & ave(shares$units, shares$dataset, FUN = seq_along) %in% c(15, 23))
save(shares, "input_shares.csv")
limits <- NULL
tests <- NULL
for (name in unique(shares$dataset)) {
  d <- shares[shares$dataset == name, ]
  p <- sum(d$events[d$baseline]) / sum(d$units[d$baseline])
  error <- sqrt(p * (1 - p) / d$units)
  z <- (d$events / d$units - p) / error
  pair <- d$baseline[-1] & d$baseline[-nrow(d)]
  sigma <- mean(abs(diff(z))[pair]) / 1.128
  for (chart in c("p", "p_prime")) {
    reach <- 3 * error * if (chart == "p") 1 else sigma
    limits <- rbind(limits, data.frame(dataset = name, chart, centre = p, lower = pmax(0, p - reach),
                                       upper = pmin(1, p + reach), sigma_z = if (chart == "p") 1 else sigma))
  }
  test <- suppressWarnings(chisq.test(cbind(d$events, d$units - d$events), correct = FALSE))
  tests <- rbind(tests, data.frame(dataset = name, statistic = unname(test$statistic), degrees = unname(test$parameter),
                                   p_value = test$p.value))
}
save(limits, "expected_shares.csv")
save(tests, "expected_dispersion.csv")

# Gaps between events. "valves": hours between failures of a valve, Montgomery, table 7.14; published powers (0.2777):
# 4.80986 of 286, 6.70903 of 948, 9.09619 of 2837.
gaps <- rbind(data.frame(dataset = "valves", gap = c(286, 948, 536, 124, 816, 729, 4, 143, 431, 8, 2837, 596, 81, 227,
                                                      603, 492, 1199, 1214, 2831, 96)),
              data.frame(dataset = "rare", gap = rgeom(30, 0.01)),
              data.frame(dataset = "common", gap = rgeom(30, 0.3)),
              data.frame(dataset = "very_rare", gap = 2000 + rgeom(15, 0.0004)))
save(gaps, "input_gaps.csv")
lines <- NULL
for (name in unique(gaps$dataset)) {
  x <- gaps$gap[gaps$dataset == name]
  p <- 1 / (1 + mean(x))
  low <- qgeom(0.00135, p)
  lines <- rbind(lines, data.frame(dataset = name, chart = "g", centre = max(0, log(0.5) / log(1 - p) - 1),
                                   lower = if (low > 0) low else NA, upper = qgeom(1 - 0.00135, p)))
  y <- x^(1 / 3.6)
  reach <- 3 * mean(abs(diff(y))) / 1.128
  low <- mean(y) - reach
  lines <- rbind(lines, data.frame(dataset = name, chart = "t", centre = mean(y)^3.6,
                                   lower = if (low > 0) low^3.6 else NA, upper = (mean(y) + reach)^3.6))
}
save(lines, "expected_gaps.csv")

# Run charts: the limits for every length (Anhøj and Olesen 2014), and runs counted by rle on random series.
n <- 1:100
save(data.frame(useful = n, run_limit = round(log2(n) + 3), crossings_limit = qbinom(0.05, pmax(n - 1, 0), 0.5)),
     "expected_run_limits.csv")
series <- data.frame(dataset = rep(1:12, each = 15), value = round(rnorm(180, 10, 2)) + rep(c(0, 0, 3), each = 60))
save(series, "input_series.csv")
runs <- do.call(rbind, lapply(split(series$value, series$dataset), function(x) {
  side <- sign(x - median(x))
  side <- side[side != 0]
  data.frame(centre = median(x), useful = length(side), longest_run = max(rle(side)$lengths),
             crossings = length(rle(side)$lengths) - 1)
}))
save(cbind(dataset = unique(series$dataset), runs), "expected_runs.csv")
writeLines(R.version.string, "session.txt")
