"""Fiscal calendars: the month, quarter and year that a day is in, and which days are worked."""

from forecast.calendars.calendar import CALENDAR_YEAR, Calendar, calendar_of
from forecast.calendars.dates import date_of
from forecast.calendars.exposure import Exposure
from forecast.calendars.fiscal import Unit

__all__ = ["CALENDAR_YEAR", "Calendar", "Exposure", "Unit", "calendar_of", "date_of"]
