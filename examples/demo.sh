#!/usr/bin/env bash
# From the catalog to batches: bash examples/demo.sh FOLDER, where FOLDER holds a recipe.yaml and is named as its dataset.
set -euo pipefail
folder=$1
store="$folder/$(basename "$folder").zarr"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { say "\$ $*"; "$@"; }

run attractory check
run attractory generate "$folder"
run attractory validate "$store"
run attractory publish "$store" --to "$folder/published"
run python examples/batches.py "$store"

version=$(cat "$folder/published/latest")
say "Where to look"
cat <<PLACES
  the store        $store    python -c "import xarray; print(xarray.open_datatree('$store', engine='zarr'))"
  the report       $folder/report/report.html    one file, for a browser; report.json is for programs
  the publication  $folder/published/$version    README.md is its card, pictures/ shows each system
  the recipe       $folder/recipe.yaml
  the catalog      catalog/, and: attractory show Lorenz
PLACES
