# shellcheck shell=bash
# For ./doctor.sh and ./upgrade.sh.

# What .env says of a name, as Docker Compose reads it: the last line wins; without quotes, comment, carriage return.
written() {
  [ ! -f .env ] || tr -d '\r' <.env |
    sed -n -E "s/^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=[[:space:]]*//p" | tail -n 1 |
    sed -E -e "s/^'([^']*)'.*/\\1/" -e t -e 's/^"([^"]*)".*/\1/' -e t -e 's/(^|[[:space:]]+)#.*$//' -e 's/[[:space:]]+$//'
}
