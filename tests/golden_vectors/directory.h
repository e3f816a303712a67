// A directory of golden vectors, some or all of the known files.
#pragma once

#include <string>
#include <vector>

#include "tests/golden_vectors/vector_file.h"

namespace nibble::golden_vectors {

// Names of the files in `directory` that a check exists for, sorted: decode_tables*.json,
// encode_*.csv, scale_swizzle*.json, nvfp4_quant*.jsonl, mx_quant*.jsonl, other_quant*.jsonl,
// dot_mixed_weights*.jsonl, dot*.jsonl. Throws BadFile if the directory cannot be read.
std::vector<std::string> KnownFiles(const std::string& directory);

// Throws BadFile for a file that cannot be read or holds no record.
FileResult CheckFile(const std::string& directory, const std::string& file);

}  // namespace nibble::golden_vectors
