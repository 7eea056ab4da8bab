"""How dates and times are typed and understood, in every form: as in Britain, the day first, or ISO 8601.

Django asks for these names (FORMAT_MODULE_PATH). What none of them fits is refused beside its field.
"""

_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y", "%d %B %Y", "%d %b %Y")
_TIMES = ("%H:%M", "%H:%M:%S", "%I%p", "%I:%M%p", "%I.%M%p", "%I %p", "%I:%M %p")

DATE_INPUT_FORMATS = [*_DAYS]
TIME_INPUT_FORMATS = [*_TIMES]
# A day alone is its beginning.
DATETIME_INPUT_FORMATS = [
    *(f"{day} {time}" for day in _DAYS for time in _TIMES),
    *(f"{day} at {time}" for day in _DAYS for time in _TIMES),
    *_DAYS,
]
FIRST_DAY_OF_WEEK = 1
