#!/bin/sh
# Collects the fonts that the pictures are written in, from Debian packages, into a folder that git ignores.
# All of them are free (OFL, Apache, Bitstream Vera, GPL or AGPL with the font exception); none is committed.
#
#   tools/train/fonts.sh .carry/fonts
set -eu
into=$(mkdir -p "$1" && cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download fonts-dejavu-core fonts-dejavu-extra fonts-liberation fonts-liberation2 fonts-freefont-ttf fonts-open-sans \
  fonts-roboto-unhinted fonts-lato fonts-crosextra-carlito fonts-crosextra-caladea fonts-comic-neue fonts-cantarell \
  fonts-noto-mono fonts-urw-base35
for package in *.deb; do dpkg -x "$package" unpacked; done
for face in DejaVuSans DejaVuSans-Bold DejaVuSerif DejaVuSerif-Bold DejaVuSerif-Italic DejaVuSansMono DejaVuSansCondensed \
  LiberationSans-Regular LiberationSans-Bold LiberationSans-Italic LiberationSerif-Regular LiberationSerif-Bold \
  LiberationMono-Regular LiberationSansNarrow-Regular FreeSans FreeSansBold FreeSerif FreeSerifBold FreeMonoBold \
  OpenSans-Regular OpenSans-Bold OpenSans-Semibold OpenSans-Italic Roboto-Regular Roboto-Bold Roboto-Medium Roboto-Italic \
  Carlito-Regular Carlito-Bold ComicNeue-Regular ComicNeue-Bold Cantarell-Regular Cantarell-Bold NotoMono-Regular \
  URWGothic-Book URWBookman-Demi C059-Roman P052-Roman NimbusSansNarrow-Bold \
  Lato-Regular Lato-Bold Caladea-Regular Caladea-Bold; do
  found=$(find unpacked \( -name "$face.ttf" -o -name "$face.otf" \) | sort | head -1)
  [ -n "$found" ] || { echo "the packages hold no font $face" >&2; exit 1; }
  cp "$found" "$into"
done
