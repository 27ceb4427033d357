"""What people see of a review: figures, decisions, pictures, a page, a workbook. Comes in: a Review or Reforecast."""
