"""The formats of dates and times that forms accept: British, with the day first, and ISO 8601.

Django reads these names (FORMAT_MODULE_PATH). Any other input is an error of its field.
"""

_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y", "%d %B %Y", "%d %b %Y")
_TIMES = ("%H:%M", "%H:%M:%S", "%I%p", "%I:%M%p", "%I.%M%p", "%I %p", "%I:%M %p")

DATE_INPUT_FORMATS = [*_DAYS]
TIME_INPUT_FORMATS = [*_TIMES]
# A date without a time means midnight at the start of the day.
DATETIME_INPUT_FORMATS = [
    *(f"{day} {time}" for day in _DAYS for time in _TIMES),
    *(f"{day} at {time}" for day in _DAYS for time in _TIMES),
    *_DAYS,
]
FIRST_DAY_OF_WEEK = 1
