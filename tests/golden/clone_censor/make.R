# Staying at least 42 days against leaving before: clones, censored where they part from their strategy, and weighted.
# The clones are laid out week by week, glm fits the chance of leaving (and, for one strategy, of leaving by what was
# known at the start alone), cumulative products give the weights. Errors: all equations stacked, their derivative taken
# by central differences, the sandwich summed over people. Data made here. Base R only: Rscript make.R
set.seed(20250917)
options(digits = 17)
n <- 700; weeks <- 6; day <- 42
severity <- round(rnorm(n, 5, 2), 1)
works <- rbinom(n, 1, .5)
# A state that comes and stays, people leaving the sooner for it, a few taken out by something else.
used <- matrix(0, n, weeks); exit <- rep(NA, n); left <- rep(0, n)
now <- rbinom(n, 1, .15)
for (k in 1:weeks) {
  there <- is.na(exit)
  if (k > 1) now <- pmax(now, rbinom(n, 1, plogis(-2.6 + .25 * (severity - 5))))
  used[there, k] <- now[there]
  goes <- there & runif(n) < plogis(-2.9 + .2 * (severity - 5) + 1.1 * now - .3 * works)
  away <- there & !goes & runif(n) < .02
  on <- 7 * (k - 1) + sample(0:6, n, TRUE)
  exit[goes | away] <- on[goes | away]; left[goes] <- 1
}
exit[is.na(exit)] <- day + sample(0:20, sum(is.na(exit)), TRUE)
full <- rbinom(n, 1, plogis(.6 - .3 * (severity - 5) + .3 * works - 1 * now + .3 * (exit >= day)))
known <- rbinom(n, 1, plogis(.9 - .2 * (severity - 5) + .7 * (exit >= day) - .5 * now))
outcome <- ifelse(known == 1, full, NA)
shown <- used; for (k in 1:weeks) shown[exit < 7 * (k - 1), k] <- NA
write.csv(data.frame(exit, left, severity, works, shown, full, outcome), "input.csv", row.names = FALSE, na = "")

stayed <- exit >= day; left <- left == 1 & !stayed; excused <- !stayed & !left
gone_in <- ifelse(stayed, weeks + 1, exit %/% 7 + 1)
# Person-weeks in which leaving was to be seen: those lived through, and the one in which somebody left.
long <- merge(data.frame(id = 1:n), data.frame(week = 1:weeks))
long <- long[order(long$id, long$week), ]
long$severity <- severity[long$id]; long$works <- works[long$id]; long$used <- used[cbind(long$id, long$week)]
long$out <- gone_in[long$id]
long$leaves <- as.numeric(left[long$id] & long$week == long$out)
risk <- long$week < long$out | long$leaves == 1
tight <- list(epsilon = 1e-14, maxit = 100)
by_start <- model.matrix(~ 0 + factor(week) + severity + works, long)
by_state <- cbind(by_start, used = long$used)
fit <- function(x) coef(glm(long$leaves[risk] ~ 0 + x[risk, ], family = binomial, control = tight))
last <- used[cbind(1:n, pmin(gone_in, weeks))]
reach <- list(none = NULL, start = cbind(1, stayed, severity, works), state = cbind(1, stayed, severity, works, last))

# The clones of both strategies by week: whether a clone is still uncensored at the end of the week, and its weight.
clones <- function(h, g, grace) {
  h <- matrix(h, n, weeks, byrow = TRUE); g <- matrix(g, n, weeks, byrow = TRUE)
  stay <- leave <- rep(1, n)
  for (k in 1:weeks) {
    lived <- k < gone_in; going <- left & k == gone_in
    stay <- stay * ifelse(lived, 1 / (1 - h[, k]), 1) * !going
    if (grace == "end") {
      if (k == weeks) leave <- leave * ifelse(going, 1 / h[, k], 1)
    } else {
      # the chance to leave this week, given not left so far and that one will leave before the day
      ahead <- rep(1, n)
      for (j in k:weeks) ahead <- ahead * (1 - g[, j])
      q <- g[, k] / (1 - ahead)
      leave <- leave * ifelse(going, q / h[, k], ifelse(lived, (1 - q) / (1 - h[, k]), 1))
    }
  }
  cbind(stay = stay, leave = ifelse(stayed, 0, leave))
}
sandwich <- function(psi, theta) {
  slope <- sapply(seq_along(theta), function(k) {
    h <- 1e-5 * max(1, abs(theta[k]))
    up <- down <- theta; up[k] <- up[k] + h; down[k] <- down[k] - h
    (colSums(psi(up)) - colSums(psi(down))) / (2 * h)
  })
  bread <- solve(slope)
  bread %*% crossprod(psi(theta)) %*% t(bread)
}
expected <- weights <- NULL
for (known_by in c("start", "state")) for (grace in c("usual", "end")) for (answers in c("full", "complete", "weights")) {
  own <- if (known_by == "state") by_state else by_start
  a <- fit(own); b <- fit(by_start)
  z <- if (answers == "weights") reach[[known_by]] else NULL
  c <- if (is.null(z)) NULL else coef(glm(known ~ 0 + z, family = binomial, control = tight))
  y <- if (answers == "full") full else ifelse(known == 1, full, 0)
  counted <- if (answers == "full") rep(1, n) else known
  at <- list(a = seq_along(a), b = length(a) + seq_along(b), c = length(a) + length(b) + seq_along(c))
  two <- length(a) + length(b) + length(c) + 1:2
  mass <- function(t) {
    w <- clones(plogis(drop(own %*% t[at$a])), plogis(drop(by_start %*% t[at$b])), grace)
    w * counted / if (is.null(z)) 1 else plogis(drop(z %*% t[at$c]))
  }
  psi <- function(t) {
    seen <- function(x, beta) rowsum(x * (risk * (long$leaves - plogis(drop(x %*% beta)))), long$id)
    w <- mass(t)
    cbind(seen(own, t[at$a]), seen(by_start, t[at$b]), if (!is.null(z)) z * (known - plogis(drop(z %*% t[at$c]))),
          w[, 1] * (y - t[two[1]]), w[, 2] * (y - t[two[2]]))
  }
  theta <- c(a, b, c)
  w <- mass(c(theta, 0, 0))
  means <- c(weighted.mean(y, w[, 1]), weighted.mean(y, w[, 2]))
  theta <- c(theta, means)
  v <- sandwich(psi, theta)[two, two]
  kish <- function(w) sum(w)^2 / sum(w^2)
  largest <- function(w) max(w) / mean(w[w > 0])
  expected <- rbind(expected, data.frame(
    known_by, grace, answers, treated = means[1], reference = means[2], difference = means[1] - means[2],
    treated_se = sqrt(v[1, 1]), reference_se = sqrt(v[2, 2]), difference_se = sqrt(v[1, 1] + v[2, 2] - 2 * v[1, 2]),
    stay_effective = kish(w[, 1]), leave_effective = kish(w[, 2]), stay_largest = largest(w[, 1]), leave_largest = largest(w[, 2])
  ))
}
write.csv(expected, "expected.csv", row.names = FALSE)
writeLines(R.version.string, "session.txt")
