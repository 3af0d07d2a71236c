# Shares and ratios of sums with people as clusters: from first principles, and from the survey package.
# Run in this directory: Rscript make.R
suppressPackageStartupMessages(library(survey))
set.seed(20250303)
options(digits = 17)

people <- function(name, n, most, odds) {
  episodes <- sample(most, n, replace = TRUE)
  events <- rbinom(n, episodes, rbeta(n, odds, 1))
  required <- 9 * sample(2:12, n, replace = TRUE)
  data.frame(dataset = name, person = seq_len(n), events, episodes,
             attended = round(required * rbeta(n, 5, 2) * 1.2, 1), required)
}
input <- rbind(people("many", 200, 4, 1), people("some", 40, 2, 2), people("few", 6, 5, 1))
write.csv(input, "input.csv", row.names = FALSE)

expected <- NULL
for (name in unique(input$dataset)) {
  d <- input[input$dataset == name, ]
  m <- nrow(d); n <- sum(d$episodes); p <- sum(d$events) / n
  variance <- m / (m - 1) * sum((d$events - p * d$episodes)^2) / n^2
  r <- sum(d$attended) / sum(d$required)
  error <- sqrt(m / (m - 1) * sum((d$attended - r * d$required)^2)) / sum(d$required)
  design <- svydesign(ids = ~person, weights = ~1, data = d)
  stopifnot(all.equal(sqrt(variance), unname(c(SE(svyratio(~events, ~episodes, design)))), tolerance = 1e-12),
            all.equal(error, unname(c(SE(svyratio(~attended, ~required, design)))), tolerance = 1e-12))
  size <- min(n, p * (1 - p) / variance * n / (n - 1) * (qt(0.975, n - 1) / qt(0.975, m - 1))^2)
  z <- qnorm(0.975)
  half <- z * sqrt(p * (1 - p) / size + z^2 / (4 * size^2))
  limits <- (p + z^2 / (2 * size) + c(-half, half)) / (1 + z^2 / size)
  reach <- qt(0.975, m - 1) * error
  expected <- rbind(expected,
    data.frame(dataset = name, what = "proportion", value = p, std_error = sqrt(variance), low = limits[1], high = limits[2]),
    data.frame(dataset = name, what = "ratio", value = r, std_error = error, low = max(r - reach, 0), high = r + reach))
}
write.csv(expected, "expected.csv", row.names = FALSE)

counts <- expand.grid(x = c(0, 1, 3, 8, 17, 45), n = c(1, 5, 20, 60, 400))
counts <- counts[counts$x <= counts$n, ]
limits <- t(mapply(function(x, n) c(suppressWarnings(prop.test(x, n, correct = FALSE)$conf.int),
                                    binom.test(x, n)$conf.int), counts$x, counts$n))
write.csv(data.frame(counts, wilson_low = limits[, 1], wilson_high = limits[, 2], exact_low = limits[, 3],
                     exact_high = limits[, 4]), "expected_counts.csv", row.names = FALSE)
writeLines(c(R.version.string, paste("survey", packageVersion("survey"))), "session.txt")
