// Vectors of equal length as a NumPy file, so that outputs can be compared elsewhere.
#pragma once

#include <string>
#include <vector>

namespace nibble::cli {

// The bytes of a .npy file (version 1.0): little-endian float32, C order, shape [rows][row length].
// Rows must be of equal length.
std::string NpyFloat32(const std::vector<std::vector<float>>& rows);

}  // namespace nibble::cli
