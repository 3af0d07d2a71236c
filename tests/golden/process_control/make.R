# XmR limits of a published series by the formulas of the textbook, in base R.
# Series: costs of processing 20 loan applications, Montgomery, Introduction to Statistical Quality Control, chapter 6.
# Published: centre 300.5, mean moving range 7.79, limits 279.78 and 321.22. Run in this directory: Rscript make.R
options(digits = 17)
input <- data.frame(value = c(310, 288, 297, 298, 307, 303, 294, 297, 308, 306, 294, 299, 297, 299, 314, 295, 293,
                              306, 301, 304))
write.csv(input, "input.csv", row.names = FALSE)
range <- mean(abs(diff(input$value)))
centre <- mean(input$value)
write.csv(data.frame(centre, mean_range = range, lower = centre - 3 * range / 1.128, upper = centre + 3 * range / 1.128,
                     range_limit = 3.267 * range), "expected.csv", row.names = FALSE)
writeLines(R.version.string, "session.txt")
