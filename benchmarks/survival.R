# Kaplan-Meier and Aalen-Johansen with intervals by R's survival: Rscript survival.R ROWS.csv (columns day, cause).
suppressMessages(library(survival))
rows <- read.csv(commandArgs(TRUE)[1])
rows$reason <- factor(rows$cause)
report <- function(step, taken) {
  status <- readLines("/proc/self/status")
  peak <- as.numeric(gsub("[^0-9]", "", grep("^VmHWM", status, value = TRUE))) / 1024
  cat(sprintf('{"step": "%s", "wall": %.4f, "cpu": %.4f, "memory": %.1f, "rows": %d}\n',
              step, taken[["elapsed"]], taken[["user.self"]] + taken[["sys.self"]], peak, nrow(rows)))
}
report("Kaplan\u2013Meier", system.time(survfit(Surv(day, cause > 0) ~ 1, data = rows, conf.type = "log-log")))
report("Aalen\u2013Johansen", system.time(survfit(Surv(day, reason) ~ 1, data = rows, conf.type = "log-log")))
