# Kaplan-Meier, restricted means, quantiles and log-rank tests as R's survival package gives them.
# Run in this directory: Rscript make.R. Inputs are drawn here from a fixed seed; no package data are used.
library(survival)
set.seed(20250101)
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
# "ended": everyone left, so that the curve reaches 0.
ended <- draw("ended", 80, 50, 20, 2, 3, 400)
ended$cause <- pmax(ended$cause, 1)
input <- rbind(input, ended)
write.csv(input, "input.csv", row.names = FALSE)

# A row with entry 0 is watched from admission, day 0 included; R's intervals are open on the left.
begin <- function(d) ifelse(d$entry == 0, -1, d$entry)
curves <- means <- quantiles <- tests <- NULL
put <- function(name, analysis, fit) {
  se <- if (isTRUE(fit$logse)) fit$std.err * fit$surv else fit$std.err
  curves <<- rbind(curves, data.frame(dataset = name, analysis, time = fit$time, at_risk = fit$n.risk,
    events = fit$n.event, censored = fit$n.censor, survival = fit$surv, std_error = se,
    low = fit$lower, high = fit$upper))
  q <- quantile(fit, c(0.25, 0.5, 0.75))
  quantiles <<- rbind(quantiles, data.frame(dataset = name, analysis, share = c(0.25, 0.5, 0.75),
    value = q$quantile, low = q$lower, high = q$upper))
}
mean_to <- function(name, analysis, fit, tau) {
  row <- summary(fit, rmean = tau)$table
  se <- row[["se(rmean)"]]
  if (!is.null(fit$influence.surv)) {
    widths <- diff(pmin(c(fit$time, tau), tau))
    se <- sqrt(sum((fit$influence.surv %*% widths)^2))
  }
  means <<- rbind(means, data.frame(dataset = name, analysis, tau, value = row[["rmean"]], std_error = se))
}
# Log-rank with delayed entry, day by day: hypergeometric mean and variance among those at risk.
by_hand <- function(entry, time, event, group) {
  groups <- sort(unique(group))
  gap <- numeric(length(groups))
  variance <- matrix(0, length(groups), length(groups))
  for (day in sort(unique(time[event == 1]))) {
    at_risk <- sapply(groups, function(g) sum(entry < day & time >= day & group == g))
    left <- sapply(groups, function(g) sum(time == day & event == 1 & group == g))
    n <- sum(at_risk); d <- sum(left); share <- at_risk / n
    gap <- gap + left - d * share
    if (n > 1) variance <- variance + d * (n - d) / (n - 1) * (diag(share) - share %o% share)
  }
  drop(gap[-1] %*% solve(variance[-1, -1], gap[-1]))
}
for (name in unique(input$dataset)) {
  d <- input[input$dataset == name, ]
  d$event <- as.integer(d$cause > 0)
  fits <- list(
    plain = survfit(Surv(time, event) ~ 1, d, conf.type = "log-log"),
    log = survfit(Surv(time, event) ~ 1, d, conf.type = "log"),
    untransformed = survfit(Surv(time, event) ~ 1, d, conf.type = "plain", conf.int = 0.9),
    clustered = survfit(Surv(time, event) ~ 1, d, cluster = person, robust = TRUE, influence = 1,
                        conf.type = "log-log"),
    weighted = survfit(Surv(time, event) ~ 1, d, weights = weight, robust = TRUE, influence = 1,
                       conf.type = "log-log"),
    delayed = survfit(Surv(begin(d), time, event) ~ 1, d, conf.type = "log-log"),
    delayed_clustered = survfit(Surv(begin(d), time, event) ~ 1, d, cluster = person, robust = TRUE,
                                influence = 1, conf.type = "log-log"),
    all = survfit(Surv(begin(d), time, event) ~ 1, d, weights = weight, cluster = person, robust = TRUE,
                  influence = 1, conf.type = "log-log"))
  for (analysis in names(fits)) {
    put(name, analysis, fits[[analysis]])
    for (tau in c(10, 13.5, max(d$time))) mean_to(name, analysis, fits[[analysis]], tau)
  }
  no_effect <- rep(0, length(unique(d$group)) - 1)
  test <- function(analysis, chisq) tests <<- rbind(tests, data.frame(
    dataset = name, analysis, statistic = chisq, df = length(unique(d$group)) - 1))
  test("plain", survdiff(Surv(time, event) ~ group, d)$chisq)
  test("stratified", survdiff(Surv(time, event) ~ group + strata(stratum), d)$chisq)
  test("delayed", by_hand(begin(d), d$time, d$event, d$group))
  # coxph(ties = "exact") is the published way to a delayed-entry log-rank test; it takes hours where ties are heavy.
  if (name == "few") stopifnot(all.equal(by_hand(begin(d), d$time, d$event, d$group),
    coxph(Surv(begin(d), time, event) ~ factor(group), d, ties = "exact", init = no_effect, iter.max = 0)$score))
  robust <- function(formula) summary(coxph(formula, d, ties = "breslow", cluster = d$person, init = no_effect,
                                            iter.max = 0))$robscore[["test"]]
  test("clustered", robust(Surv(time, event) ~ factor(group)))
  test("clustered_stratified", robust(Surv(time, event) ~ factor(group) + strata(stratum)))
  test("clustered_delayed", robust(Surv(begin(d), time, event) ~ factor(group)))
}
write.csv(curves, "expected_curves.csv", row.names = FALSE, na = "")
write.csv(means, "expected_means.csv", row.names = FALSE, na = "")
write.csv(quantiles, "expected_quantiles.csv", row.names = FALSE, na = "")
write.csv(tests, "expected_tests.csv", row.names = FALSE, na = "")
writeLines(c(R.version.string, paste("survival", packageVersion("survival"))), "session.txt")
