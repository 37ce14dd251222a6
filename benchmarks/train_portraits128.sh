#!/usr/bin/env bash
# Trains the bundled family, all tasks, and measures it: from the data to the files in assets/portraits-128.
#
#     benchmarks/train_portraits128.sh DATA [MINUTES]
#
# DATA holds art.zip, toon.zip, photo.zip, photo_uk.zip (see the model card). MINUTES is the time for the encoder and
# generator of "encode"; each other task gets a tenth of it. Run it again to go on where it stopped: runs/ keeps every
# step.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1
minutes=${2:-120}
task_minutes=$(((minutes + 9) / 10))
family=assets/portraits-128
runs=runs/portraits128
base=$runs-encode/best/encode.safetensors

# Keeps memory from going back to the system after every step: half again as fast on a CPU.
export GLIBC_TUNABLES=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=8589934592:glibc.malloc.hugetlb=1
export OMP_WAIT_POLICY=PASSIVE

# With a GPU the generator is trained by itself first, against a discriminator, and then gets its encoder. Without one
# both are trained together, on from the bundled files.
if python -c "import sys, torch; sys.exit(not torch.cuda.is_available())"; then
    python -m psp train-generator --preset portraits128 --data "$data" --out "$runs-generator" --minutes "$minutes"
    from=(--generator "$runs-generator/model/generator.safetensors")
else
    mkdir -p "$runs-start"
    [ -f "$runs-start/encode.safetensors" ] || cp "$family/encode.safetensors" "$family/generator.safetensors" "$runs-start/"
    from=(--start-from "$runs-start/encode.safetensors")
fi

python -m psp train --preset portraits128-encode --data "$data" --out "$runs-encode" --minutes "$minutes" "${from[@]}"
for task in frontalize sketch_to_face segmentation_to_face super_resolution toonify; do
    python -m psp train --preset "portraits128-$task" --data "$data" --out "$runs-$task" \
        --start-from "$base" --minutes "$task_minutes"
done

cp "$runs-encode/best/"*.safetensors "$family/"
for task in frontalize sketch_to_face segmentation_to_face super_resolution toonify; do
    cp "$runs-$task/best/$task.safetensors" "$family/"
done

export PSP_OFFLINE=1
for task in encode frontalize sketch_to_face segmentation_to_face super_resolution toonify generator; do
    echo "== $task"
    python -m psp evaluate --task "$task" --data "$data" --sheet "$runs-sheets"
done | tee "$family/figures.txt"
cp "$runs-sheets/"*.jpg benchmarks/sheets/
