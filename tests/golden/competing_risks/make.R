# Aalen-Johansen curves, mean time lost and differences between groups as R's survival package gives them, Gray's test as
# cmprsk gives it and, with people as clusters, by hand.
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
curves <- means <- tests <- differences <- robust <- NULL
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
# Differences between groups 1 and 2 of curves and areas. One fit for each group; the pulls of a person's rows are summed
# over both groups before squaring, so that whoever is in both counts once.
compare <- function(name, analysis, y, d, days) {
  fits <- lapply(1:2, function(g) survfit(y[d$group == g, ] ~ 1, id = d$row[d$group == g], influence = TRUE))
  people <- lapply(1:2, function(g) d$person[d$group == g])
  read <- function(fit, k, day, area) {
    at <- findInterval(day, fit$time)
    start <- as.numeric(k == 1)
    pulls <- fit$influence.pstate[, -1, k]
    if (area) {
      widths <- diff(pmin(c(fit$time, day), day))
      return(list(value = start * min(fit$time[1], day) + sum(fit$pstate[, k] * widths), pull = drop(pulls %*% widths)))
    }
    if (at == 0) return(list(value = start, pull = rep(0, nrow(pulls))))
    list(value = fit$pstate[at, k], pull = pulls[, at])
  }
  for (k in seq_along(fits[[1]]$states)) for (area in c(FALSE, TRUE)) for (day in days) {
    one <- read(fits[[1]], k, day, area)
    other <- read(fits[[2]], k, day, area)
    pulls <- rowsum(c(one$pull, -other$pull), unlist(people))
    differences <<- rbind(differences, data.frame(dataset = name, analysis, cause = k - 1, area = as.integer(area), day,
      value = one$value - other$value, std_error = sqrt(sum(pulls^2)),
      independent = sqrt(sum(rowsum(one$pull, people[[1]])^2) + sum(rowsum(other$pull, people[[2]])^2))))
  }
}
# Gray's observed - expected with row weights, straight from sections 2 and 3 of Gray (1988): R = Y (1 - F) / S by group.
gray_gap <- function(begin, time, cause, group, of, weight) {
  days <- sort(unique(time)); groups <- sort(unique(group))
  parts <- lapply(groups, function(g) {
    mine <- group == g
    count <- function(keep) sum(weight[mine & keep])
    y <- sapply(days, function(s) count(begin < s & time >= s))
    d1 <- sapply(days, function(s) count(time == s & cause == of))
    d <- sapply(days, function(s) count(time == s & cause > 0))
    y1 <- ifelse(y > 0, y, 1)
    s <- c(1, cumprod(1 - d / y1)); before <- s[-length(s)]
    f <- c(0, cumsum(before * d1 / y1)); f <- f[-length(f)]
    list(r = ifelse(before > 1e-12, y * (1 - f) / before, 0), d1 = d1)
  })
  r <- sapply(parts, `[[`, "r"); d1 <- sapply(parts, `[[`, "d1")
  share <- r / ifelse(rowSums(r) > 0, rowSums(r), 1)
  colSums(d1) - colSums(share * rowSums(d1))
}
# Its robust test: the pull of each row by central difference of its weight, summed within people.
gray_robust <- function(begin, d, of, strata) {
  groups <- sort(unique(d$group)); pulls <- gap <- 0
  for (layer in unique(strata)) {
    k <- which(strata == layer)
    gaps <- function(w) {
      full <- rep(0, length(groups))
      full[match(sort(unique(d$group[k])), groups)] <- gray_gap(begin[k], d$time[k], d$cause[k], d$group[k], of, w)
      full
    }
    gap <- gap + gaps(rep(1, length(k)))
    rows <- t(sapply(seq_along(k), function(i) {
      step <- replace(rep(0, length(k)), i, 1e-4)
      (gaps(1 + step) - gaps(1 - step)) / 2e-4
    }))
    wide <- matrix(0, nrow(d), length(groups)); wide[k, ] <- rows
    pulls <- pulls + wide
  }
  summed <- rowsum(pulls, d$person)[, -1, drop = FALSE]
  drop(gap[-1] %*% solve(crossprod(summed), gap[-1]))
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
  compare(name, "clustered", now, d, c(0, 7, 13.5, 20))
  compare(name, "delayed", late, d, c(0, 7, 13.5, 20))
  if (name %in% c("weeks", "days", "few")) for (of in sort(unique(d$cause[d$cause > 0]))) for (case in 1:3) {
    from <- if (case == 3) begin(d) else rep(-1, nrow(d))
    strata <- if (case == 2) d$stratum else rep(1, nrow(d))
    robust <- rbind(robust, data.frame(dataset = name, analysis = c("clustered", "stratified", "delayed")[case],
      cause = of, statistic = gray_robust(from, d, of, strata), df = length(unique(d$group)) - 1))
  }
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
write.csv(differences, "expected_differences.csv", row.names = FALSE, na = "")
write.csv(robust, "expected_robust_tests.csv", row.names = FALSE, na = "")
writeLines(c(R.version.string, paste("survival", packageVersion("survival")),
             paste("cmprsk", packageVersion("cmprsk"))), "session.txt")
