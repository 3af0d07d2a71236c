# Accumulated means and ratios under censoring, weights by day from R's survfit of the time to being lost from view.
# Run in this directory: Rscript make.R. Inputs are drawn here from a fixed seed; no package data are used.
library(survival)
set.seed(20250301)
options(digits = 17)

rows <- 90
person <- sample(60, rows, replace = TRUE)
stay <- floor(rexp(rows, 1 / 25))
watch <- sample(10:70, rows, replace = TRUE)
input <- data.frame(person, seen = pmin(stay, watch), final = as.integer(stay <= watch),
                    rate = round(runif(rows, 1, 9), 2), event = rbinom(rows, 1, 0.5))
write.csv(input, "input.csv", row.names = FALSE)

# A loss on day u comes after the endings of that day (u + 0.5) and takes the days after it out of view.
chance <- function(w, days) {
  fit <- survfit(Surv(input$seen + ifelse(input$final == 1, 0, 0.5), 1 - input$final) ~ 1, weights = w)
  summary(fit, times = 0:(days - 1) - 0.25, extend = TRUE)$surv
}
# Dollars build up at the row's rate while it is in view; an event counts once, on the last day of a row that is over.
dollars <- function(w, days) {
  k <- chance(w, days)
  sum(sapply(0:(days - 1), function(d) sum(w * input$rate * (input$seen >= d)) / k[d + 1])) / sum(w)
}
events <- function(w, days) {
  k <- chance(w, days)
  on <- input$final == 1 & input$event == 1
  sum(sapply(0:(days - 1), function(d) sum(w * (on & input$seen == d)) / k[d + 1])) / sum(w)
}
ratio <- function(w, days) dollars(w, days) / events(w, days)

# Infinitesimal jackknife over people: a person's rows weighted a little more and a little less.
std_error <- function(f, days) {
  people <- unique(input$person)
  step <- 1e-4
  slope <- sapply(people, function(p) {
    w <- ifelse(input$person == p, 1 + step, 1)
    v <- ifelse(input$person == p, 1 - step, 1)
    (f(w, days) - f(v, days)) / (2 * step)
  })
  m <- length(people)
  sqrt(m / (m - 1) * sum(slope^2))
}
expected <- NULL
for (days in c(1, 20, 45)) for (name in c("mean", "ratio")) {
  f <- if (name == "mean") dollars else ratio
  one <- rep(1, rows)
  if (name == "ratio" && days == 1) next
  value <- f(one, days)
  se <- std_error(f, days)
  reach <- qt(0.975, length(unique(person)) - 1) * se
  expected <- rbind(expected, data.frame(name, days, value, std_error = se, low = max(value - reach, 0),
                                         high = value + reach))
}
write.csv(expected, "expected.csv", row.names = FALSE)
writeLines(c(R.version.string, paste("survival", packageVersion("survival"))), "session.txt")
