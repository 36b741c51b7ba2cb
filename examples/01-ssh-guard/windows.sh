#!/bin/sh
# Failed passwords per source address in sliding windows, counted without Millrace:
# ADDRESS START END COUNT with times in seconds since the epoch, sorted.
#
#     sh windows.sh YEAR SIZE SLIDE FILE...      sizes in seconds
set -eu
year=$1 size=$2 slide=$3
shift 3
grep -hE 'sshd\[[0-9]+\]: (message repeated [0-9]+ times: \[ )?Failed password for ' "$@" |
  tr -d '\r]' |
  awk -v year="$year" -v size="$size" -v slide="$slide" '
    # Days since 1970-01-01, counting years from March so that the leap day comes last.
    function days(y, m, d) {
      if (m <= 2) { y -= 1; m += 12 }
      return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + d - 719469
    }
    {
      month = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3
      split($3, clock, ":")
      at = days(year, month, $2) * 86400 + clock[1] * 3600 + clock[2] * 60 + clock[3]
      for (start = at - at % slide; start > at - size; start -= slide)
        failures[$(NF - 3) " " start " " start + size] += ($6 == "message" ? $8 : 1)
    }
    END { for (window in failures) print window, failures[window] }' |
  LC_ALL=C sort
