# Scores, reliable change, means of people who come twice, and regression to the mean: from first principles, from the
# survey package, by numerical integration and by simulation. Run in this directory: Rscript make.R
suppressPackageStartupMessages(library(survey))
set.seed(20250911)
options(digits = 17)

# Nine items of 300 assessments of 220 people before and after; some items and some later assessments are missing.
n <- 300
person <- c(seq_len(220), sample(220, n - 220, replace = TRUE))
level <- rnorm(n, 1.4, 0.6)
draw <- function(mean) sapply(1:9, function(i) pmin(3, pmax(0, round(rnorm(n, mean, 0.7)))))
before <- draw(level); after <- draw(level - 0.45 + rnorm(n, 0, 0.5))
before[matrix(runif(n * 9) < 0.05, n)] <- NA
after[matrix(runif(n * 9) < 0.05, n)] <- NA
after[runif(n) < 0.25, ] <- NA
colnames(before) <- paste0("before_", 1:9); colnames(after) <- paste0("after_", 1:9)
write.csv(data.frame(person, before, after), "input.csv", row.names = FALSE, na = "")

score <- function(items) ifelse(rowSums(is.na(items)) <= 1, rowMeans(items, na.rm = TRUE) * 9, NA)
x <- score(before); y <- score(after)
d <- y - x
segment <- ifelse(is.na(d), "unknown", ifelse(d <= -6, "improved", ifelse(d >= 6, "worse", "same")))
well <- ifelse(is.na(d) | x < 10, NA, as.numeric(d <= -6 & y < 10))
write.csv(data.frame(before = x, after = y, segment, recovered = well), "expected_scores.csv", row.names = FALSE, na = "")

# Mean change with people as clusters, for everybody and for two small sets.
means <- NULL
for (name in c("everyone", "cases", "ten")) {
  keep <- !is.na(d) & switch(name, everyone = TRUE, cases = x >= 10, ten = seq_len(n) <= 10 | seq_len(n) > 296)
  design <- svydesign(ids = ~person, weights = ~1, data = data.frame(person, d)[keep, ])
  m <- svymean(~d, design)
  limits <- confint(m, df = degf(design))
  means <- rbind(means, data.frame(name, value = coef(m)[[1]], std_error = SE(m)[[1]], low = limits[1], high = limits[2]))
}
# Without repeats it is the one-sample t interval.
once <- !is.na(d) & !duplicated(person)
t <- t.test(d[once])
means <- rbind(means, data.frame(name = "once", value = t$estimate[[1]], std_error = t$stderr, low = t$conf.int[1],
                                 high = t$conf.int[2]))
write.csv(means, "expected_means.csv", row.names = FALSE)

# Regression to the mean given each person's own score, the chance by integrating the density of the later score.
mu <- mean(x, na.rm = TRUE); sigma <- sd(x, na.rm = TRUE)
regression <- NULL
for (r in c(0.6, 0.75, 0.9)) for (step in c(0, 1)) {
  chosen <- x[!is.na(x) & x >= 10]
  later <- function(v, s) (v * dnorm(v, mu + r * (s - mu), sigma * sqrt(1 - r^2)))
  fall <- sapply(chosen, function(s) integrate(later, -Inf, Inf, s = s, rel.tol = 1e-10)$value - s)
  chance <- sapply(chosen, function(s)
    integrate(dnorm, mu + r * (s - mu) - 12 * sigma, s - 6 + step / 2, mu + r * (s - mu), sigma * sqrt(1 - r^2),
              rel.tol = 1e-10)$value)
  regression <- rbind(regression, data.frame(retest = r, step, chosen = length(chosen), change = mean(fall),
                                             share = mean(chance)))
}
write.csv(regression, "expected_regression.csv", row.names = FALSE)

# The example of the definitions: 10 points or more, test-retest .75, from a normal population with mean 10 and standard
# deviation 5.8. First by two-dimensional integration, then by drawing two million people twice with nothing in between,
# on a continuous scale, and on whole points from 0 to 27 as a questionnaire has them.
r <- 0.75; mu <- 10; sigma <- 5.8; cut <- 10
above <- integrate(dnorm, cut, Inf, mu, sigma, rel.tol = 1e-12)$value
fall <- integrate(function(s) (1 - r) * (mu - s) * dnorm(s, mu, sigma), cut, Inf, rel.tol = 1e-12)$value / above
share <- integrate(function(s) pnorm(s - 6, mu + r * (s - mu), sigma * sqrt(1 - r^2)) * dnorm(s, mu, sigma), cut, Inf,
                   rel.tol = 1e-12)$value / above
example <- data.frame(how = "integral", mean = mu, sd = sigma, change = fall, change_error = 0, share, share_error = 0)
draws <- 2e6
first <- rnorm(draws, mu, sigma)
second <- mu + r * (first - mu) + sigma * sqrt(1 - r^2) * rnorm(draws)
whole <- function(v) pmin(27, pmax(0, round(v)))
for (how in c("continuous", "whole")) {
  one <- if (how == "whole") whole(first) else first
  two <- if (how == "whole") whole(second) else second
  moved <- (two - one)[one >= cut]
  k <- length(moved); p <- mean(moved <= -6)
  example <- rbind(example, data.frame(how, mean = mean(one), sd = sd(one), change = mean(moved),
                                       change_error = sd(moved) / sqrt(k), share = p, share_error = sqrt(p * (1 - p) / k)))
}
write.csv(example, "expected_example.csv", row.names = FALSE)

criterion <- expand.grid(sd = c(4.7, 5.8), reliability = c(0.75, 0.89, 0.92), conf_level = c(0.9, 0.95))
criterion$points <- with(criterion, qnorm(0.5 + conf_level / 2) * sd * sqrt(2) * sqrt(1 - reliability))
write.csv(criterion, "expected_criterion.csv", row.names = FALSE)
writeLines(c(R.version.string, paste("survey", packageVersion("survey"))), "session.txt")
