"""The report: one page that holds the verdict, the evidence and the pictures."""
