# Aalen-Johansen curves and mean time lost as R's survival package gives them, Gray's test as cmprsk gives it.
# Run in this directory: Rscript make.R. Inputs are drawn here from a fixed seed; no package data are used.
library(survival)
library(cmprsk)
set.seed(20250202)
options(digits = 17)

draw <- function(name, rows, people, days, causes, groups, last) {
  person <- sample(people, rows, replace = TRUE)
  group <- sample(groups, rows, replace = TRUE)
  frailty <- rexp(people) / 2 + 0.5
  leave <- floor(rexp(rows, frailty[person] * (1 + 0.3 * (group == 2)) / days * 1.5))
  watch <- sample(c(seq(days %/% 3, days, by = 7), last), rows, replace = TRUE)
  time <- if (name == "weeks") 7 * (pmin(leave, watch) %/% 7) else pmin(leave, watch)
  cause <- ifelse(leave <= watch, sample(causes, rows, replace = TRUE), 0)
  entry <- ifelse(runif(rows) < 0.4 & time >= 2, floor(runif(rows) * (time - 1)) + 0, 0)
  data.frame(dataset = name, person, entry, time, cause, group,
             stratum = sample(3, rows, replace = TRUE), weight = round(runif(rows, 0.2, 3), 3))
}
input <- rbind(draw("weeks", 120, 70, 84, 3, 2, 84), draw("days", 300, 180, 60, 2, 3, 90),
               draw("few", 45, 25, 12, 2, 2, 14))
# "ended": everyone left, so that nobody is still in on the last day.
ended <- draw("ended", 80, 50, 20, 2, 3, 400)
ended$cause <- pmax(ended$cause, 1)
# "later": nobody leaves on day 0.
later <- draw("later", 150, 100, 40, 3, 3, 60)
later$time <- later$time + 1
input <- rbind(input, ended, later)
write.csv(input, "input.csv", row.names = FALSE)

# A row with entry 0 is watched from admission, day 0 included; R's intervals are open on the left.
begin <- function(d) ifelse(d$entry == 0, -1, d$entry)
curves <- means <- tests <- NULL
# One row per state: cause 0 is still in. `people`: sum R's row influences within people before squaring, for the
# multi-state survfit of this version takes its clusters from id and refuses overlapping rows of one id.
put <- function(name, analysis, fit, d, type, level = 0.95, people = FALSE, weights = rep(1, nrow(d))) {
  se <- fit$std.err
  rows <- fit$influence.pstate[, -1, , drop = FALSE] * weights  # R keeps them by unit of weight
  if (people) se <- apply(rows, c(2, 3), function(u) sqrt(sum(rowsum(u, d$person)^2)))
  limits <- survival:::survfit_confint(fit$pstate, se, logse = FALSE, type, level)
  for (k in seq_along(fit$states)) {
    curves <<- rbind(curves, data.frame(dataset = name, analysis, cause = k - 1, time = fit$time,
      at_risk = fit$n.risk[, 1], events = if (k == 1) 0 else fit$n.event[, k], value = fit$pstate[, k],
      std_error = se[, k], low = limits$lower[, k], high = limits$upper[, k]))
    for (tau in c(10, 13.5, max(d$time))) {
      widths <- diff(pmin(c(fit$time, tau), tau))
      area <- apply(rows[, , k], 1, function(u) sum(u * widths))
      table <- suppressWarnings(summary(fit, rmean = tau)$table)
      own <- if (people) sqrt(sum(rowsum(area, d$person)^2)) else sqrt(sum(area^2))
      # summary() of this version forgets the weights here, and where someone leaves on day 0 it pairs influences
      # with the widths of the wrong days; otherwise it must agree.
      if (!people && min(fit$time) > 0 && all(weights == 1)) stopifnot(all.equal(own, table[k, "se(rmean)"], tolerance = 1e-12))
      means <<- rbind(means, data.frame(dataset = name, analysis, cause = k - 1, tau,
        value = table[k, "rmean"], std_error = own))
    }
  }
}
for (name in unique(input$dataset)) {
  d <- input[input$dataset == name, ]
  d$state <- factor(d$cause)
  if (!"0" %in% levels(d$state)) d$state <- factor(d$cause, c(0, levels(d$state)))
  d$row <- seq_len(nrow(d))
  now <- Surv(d$time, d$state)
  late <- Surv(begin(d), d$time, d$state)
  fit <- function(y, w = rep(1, nrow(d))) survfit(y ~ 1, weights = w, id = d$row, influence = TRUE)
  put(name, "plain", fit(now), d, "log-log")
  put(name, "log", fit(now), d, "log")
  put(name, "untransformed", fit(now), d, "plain", level = 0.9)
  put(name, "clustered", fit(now), d, "log-log", people = TRUE)
  put(name, "weighted", fit(now, d$weight), d, "log-log", weights = d$weight)
  put(name, "delayed", fit(late), d, "log-log")
  put(name, "all", fit(late, d$weight), d, "log-log", people = TRUE, weights = d$weight)
  for (rho in c(0, 1)) for (strata in c(FALSE, TRUE)) {
    table <- (if (strata) cuminc(d$time, d$cause, d$group, d$stratum, rho = rho)
              else cuminc(d$time, d$cause, d$group, rho = rho))$Tests
    tests <- rbind(tests, data.frame(dataset = name, rho, stratified = as.integer(strata),
      cause = rownames(table), statistic = table[, "stat"], p_value = table[, "pv"], df = table[, "df"]))
  }
}
write.csv(curves, "expected_curves.csv", row.names = FALSE, na = "")
write.csv(means, "expected_means.csv", row.names = FALSE, na = "")
write.csv(tests, "expected_tests.csv", row.names = FALSE, na = "")
writeLines(c(R.version.string, paste("survival", packageVersion("survival")),
             paste("cmprsk", packageVersion("cmprsk"))), "session.txt")
