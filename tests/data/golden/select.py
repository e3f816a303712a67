#!/usr/bin/env python3
"""Selects the committed golden vectors from a directory that holds the full ones: select.py FULL_DIR."""
import json
import os
import sys

source, target = sys.argv[1], os.path.dirname(os.path.abspath(__file__))


def records(name):
    with open(os.path.join(source, name)) as file:
        return [json.loads(line) for line in file]


def write(name, selected):
    with open(os.path.join(target, name), "w") as file:
        for record in selected:
            file.write(json.dumps(record, separators=(",", ":")) + "\n")


def first_of_each(all_records, key):
    seen = {}
    for record in all_records:  # ascending K, so that the shortest is kept
        seen.setdefault(key(record), record)
    return list(seen.values())


# Encoders: every line of E2M1, every second line of the others.
for name, stride in (("e2m1", 1), ("e2m3", 2), ("e3m2", 2), ("e4m3", 2), ("e5m2", 2), ("e8m0", 2)):
    with open(os.path.join(source, f"encode_{name}.csv")) as file:
        header, *lines = file.read().splitlines()
    with open(os.path.join(target, f"encode_{name}.csv"), "w") as file:
        file.write("\n".join([header] + lines[::stride]) + "\n")

with open(os.path.join(source, "decode_tables.json")) as file:
    tables = json.load(file)
with open(os.path.join(target, "decode_tables.json"), "w") as file:
    json.dump({name: tables[name] for name in ("e2m1", "e2m3", "e3m2", "e4m3", "e5m2", "e8m0")}, file, separators=(",", ":"))

# Quantiser: every kind of at most 256 values once, the block size taking turns.
blocks = [8, 16, 32, 64, 128]
quant = [r for r in records("nvfp4_quant.jsonl") if r["n"] <= 256]
kinds = list(dict.fromkeys(r["name"] for r in quant))
write("nvfp4_quant.jsonl", [r for r in quant if r["B"] == blocks[kinds.index(r["name"]) % len(blocks)]])

# Dot products: every kind at every block size (and weight format), at the smallest K.
write("dot.jsonl", first_of_each(records("dot.jsonl"), lambda r: (r["kind"], r["B"])))
write("dot_mixed_weights.jsonl",
      first_of_each(records("dot_mixed_weights.jsonl"), lambda r: (r["kind"], r["wfmt"], r["B"])))

# Profiles: three short kinds each: zero and underflowing blocks, exact ties of BF16 data, a partial block.
write("nvfp4_quant_profiles.jsonl",
      [r for r in records("nvfp4_quant_profiles.jsonl")
       if r["name"] in {"block_scale_underflow", "bf16_in", "ragged_100"}])

# MX: each element and rule with one half of the special kinds, in turn.
special = ["neg_zero_mix", "ties_pm_1ulp", "nan_elements", "inf_elements", "ragged_100", "random_bits"]
mx = [r for r in records("mx_quant.jsonl") if r["name"] in special + ["denormals", "flt_max"]]
choices = list(dict.fromkeys((r["fmt"], r["rule"]) for r in mx))
kinds = list(dict.fromkeys(r["name"] for r in mx))
write("mx_quant.jsonl",
      [r for r in mx if (kinds.index(r["name"]) + choices.index((r["fmt"], r["rule"]))) % 4 == 0])

# Other formats: the kinds that are about ties, signs and special values.
write("other_quant.jsonl", [r for r in records("other_quant.jsonl") if r["name"] in special])

# Order of scales: a partial tile, and several of them.
with open(os.path.join(source, "scale_swizzle_128x4.json")) as file:
    swizzles = [r for r in json.load(file) if r["rows"] in (3, 130)]
with open(os.path.join(target, "scale_swizzle_128x4.json"), "w") as file:
    json.dump(swizzles, file, separators=(",", ":"))
