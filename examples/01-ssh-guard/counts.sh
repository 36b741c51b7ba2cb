#!/bin/sh
# Failed passwords per source address, counted without Millrace: ADDRESS COUNT, sorted.
#
#     sh counts.sh FILE...
#
# The address is the fourth word from the end, whatever the user name holds. "message repeated N times" counts N.
set -eu
grep -hE 'sshd\[[0-9]+\]: (message repeated [0-9]+ times: \[ )?Failed password for ' "$@" |
  tr -d '\r]' |
  awk '{ failures[$(NF - 3)] += ($6 == "message" ? $8 : 1) }
       END { for (address in failures) print address, failures[address] }' |
  LC_ALL=C sort
