# Standardised shares, clustered logistic regression, differences within strata, and bootstraps over people.
# Run in this directory: Rscript make.R
suppressPackageStartupMessages({library(survey); library(geepack); library(boot)})
set.seed(20250711)
options(digits = 17)

# One row per person and group: events of trials. Repeat people have rows in more than one group.
people <- function(name, persons, most) {
  id <- rep(seq_len(persons), sample(most, persons, replace = TRUE))
  n <- length(id)
  kind <- sample(c("a", "b", "c"), n, replace = TRUE, prob = c(.5, .3, .2))
  severity <- round(rnorm(n, 5, 2), 1)
  worker <- rbinom(n, 1, ifelse(kind == "b", .7, .35))
  own <- rnorm(persons)[id]
  trials <- sample(3:30, n, replace = TRUE)
  odds <- plogis(.9 + .3 * (kind == "b") - .2 * (kind == "c") - .5 * worker - .15 * (severity - 5) + .7 * own)
  data.frame(dataset = name, person = id, group = kind, trials, events = rbinom(n, trials, odds), severity, worker,
             weight = round(runif(n, .5, 2), 3))
}
single <- people("single", 120, 1)
single$trials <- 1
single$events <- rbinom(120, 1, plogis(.4 + .5 * (single$group == "b") - .4 * single$worker))
input <- rbind(people("repeat", 90, 4), people("once", 60, 1), single)
write.csv(input, "input.csv", row.names = FALSE)

# The stacked equations written down, their derivative taken by differences: coefficients first, then the averages.
stacked <- function(d, w, reference) {
  groups <- sort(unique(d$group))
  x <- cbind(sapply(groups, function(g) as.numeric(d$group == g)), d$severity, d$worker)
  p <- ncol(x)
  fit <- suppressWarnings(glm(cbind(events, trials - events) ~ x - 1, family = binomial, weights = w, data = d,
                              control = list(epsilon = 1e-14, maxit = 100)))
  at <- function(g) { z <- x; z[, seq_along(groups)] <- 0; z[, g] <- 1; z }
  psi <- function(theta) {
    beta <- theta[1:p]
    first <- x * (w * (d$events - d$trials * plogis(drop(x %*% beta))))
    rest <- sapply(seq_along(groups), function(g) w * d$trials * (plogis(drop(at(g) %*% beta)) - theta[p + g]))
    rowsum(cbind(first, rest), d$person)
  }
  mu <- sapply(seq_along(groups), function(g) weighted.mean(plogis(drop(at(g) %*% coef(fit))), w * d$trials))
  theta <- c(coef(fit), mu)
  m <- length(unique(d$person))
  slope <- sapply(seq_along(theta), function(k) {
    h <- 1e-5
    up <- down <- theta; up[k] <- up[k] + h; down[k] <- down[k] - h
    (colSums(psi(up)) - colSums(psi(down))) / (2 * h)
  })
  bread <- solve(slope)
  v <- m / (m - 1) * bread %*% crossprod(psi(theta)) %*% t(bread)
  shares <- p + seq_along(groups)
  base <- p + which(groups == reference)
  gap <- theta[shares] - theta[base]
  gap_se <- sapply(shares, function(s) sqrt(max(0, v[s, s] + v[base, base] - 2 * v[s, base])))
  list(theta = theta, se = sqrt(diag(v)), groups = groups, share = mu, share_se = sqrt(diag(v))[shares],
       gap = gap, gap_se = gap_se, df = m - p, m = m, p = p)
}

expected <- NULL
coefficients <- NULL
for (name in unique(input$dataset)) for (weighted in c(FALSE, TRUE)) {
  d <- input[input$dataset == name, ]
  w <- if (weighted) d$weight else rep(1, nrow(d))
  s <- stacked(d, w, "a")
  t <- qt(.975, s$df)
  logit <- function(sign) plogis(qlogis(s$share) + sign * t * s$share_se / (s$share * (1 - s$share)))
  expected <- rbind(expected, data.frame(
    dataset = name, weighted, group = s$groups, share = s$share, share_se = s$share_se, low = logit(-1), high = logit(1),
    gap = s$gap, gap_se = s$gap_se, gap_low = s$gap - t * s$gap_se, gap_high = s$gap + t * s$gap_se, df = s$df))

  # survey: one row a trial, Korn and Graubard's predictive margins and their linearised errors.
  long <- d[rep(seq_len(nrow(d)), d$trials), ]
  long$y <- unlist(lapply(seq_len(nrow(d)), function(i) rep(c(1, 0), c(d$events[i], d$trials[i] - d$events[i]))))
  long$w <- rep(w, d$trials)
  long$group <- factor(long$group)
  design <- svydesign(ids = ~person, weights = ~w, data = long)
  model <- svyglm(y ~ severity + worker, design = design, family = quasibinomial)
  margins <- svypredmeans(model, ~group)
  order <- match(s$groups, names(coef(margins)))
  cat(name, weighted, "survey margins: largest difference of value",
      max(abs(coef(margins)[order] - s$share)), "of error", max(abs(SE(margins)[order] - s$share_se)), "\n")
  stopifnot(max(abs(coef(margins)[order] - s$share)) < 1e-7)
  direct <- svyglm(y ~ group + severity + worker - 1, design = design, family = quasibinomial)
  stopifnot(max(abs(coef(direct) - s$theta[1:s$p])) < 1e-6,
            max(abs(SE(direct) / s$se[1:s$p] - 1)) < 1e-5)

  # geepack: independence working correlation; its errors carry no m/(m - 1).
  if (!weighted) {
    gee <- geeglm(y ~ group + severity + worker - 1, id = person, data = long[order(long$person), ],
                  family = binomial, corstr = "independence", control = geese.control(epsilon = 1e-12, maxit = 100))
    coefficients <- rbind(coefficients, data.frame(
      dataset = name, term = seq_len(s$p), value = coef(gee),
      std_error = sqrt(diag(gee$geese$vbeta)) * sqrt(s$m / (s$m - 1))))
  }
}
write.csv(expected, "expected.csv", row.names = FALSE)
write.csv(coefficients, "expected_geepack.csv", row.names = FALSE)

# Differences inside a person: group b against a, people with both; a ratio of sums.
d <- input[input$dataset == "repeat" & input$group != "c", ]
sums <- aggregate(cbind(events, trials) ~ person + group, d, sum)
strata <- merge(sums[sums$group == "b", ], sums[sums$group == "a", ], by = "person", suffixes = c("_b", "_a"), all = TRUE)
strata[is.na(strata)] <- 0
both <- strata[strata$trials_a > 0 & strata$trials_b > 0, ]
both$over <- (both$events_b * both$trials_a - both$events_a * both$trials_b) / (both$trials_a + both$trials_b)
both$size <- both$trials_a * both$trials_b / (both$trials_a + both$trials_b)
r <- svyratio(~over, ~size, svydesign(ids = ~1, weights = ~1, data = both))
write.csv(data.frame(value = c(coef(r)), std_error = c(SE(r)), people = nrow(both)), "expected_strata.csv", row.names = FALSE)

# Bootstrap over people: the standardised difference b - a, and a ratio of sums and a mean of ratios of the same people.
ratio <- function(table, rows) {
  one <- table[rows, ]
  c(sum(one$events) / sum(one$trials), mean(one$events / one$trials))
}
persons <- aggregate(cbind(events, trials) ~ person, input[input$dataset == "repeat", ], sum)
shares <- boot(persons, ratio, R = 20000)
d <- input[input$dataset == "repeat", ]
mine <- split(seq_len(nrow(d)), d$person)
gap <- function(ids, rows) {
  one <- d[unlist(mine[ids[rows]], use.names = FALSE), ]
  fit <- glm(cbind(events, trials - events) ~ group + severity + worker, binomial, one)
  means <- sapply(c("b", "a"), function(g) weighted.mean(predict(fit, transform(one, group = g), type = "response"), one$trials))
  means[1] - means[2]
}
gaps <- boot(names(mine), gap, R = 2000)
write.csv(data.frame(what = c("ratio_of_sums", "mean_of_ratios", "standardised_difference"),
                     value = c(shares$t0, gaps$t0), std_error = c(apply(shares$t, 2, sd), sd(gaps$t))),
          "expected_boot.csv", row.names = FALSE)
writeLines(c(R.version.string, sapply(c("survey", "geepack", "boot"), function(p) paste(p, packageVersion(p)))), "session.txt")
