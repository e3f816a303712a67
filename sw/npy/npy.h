// Arrays in NumPy files (.npy), versions 1.0 to 3.0: images, weights, codes, scales, outputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace nibble::npy {

enum class Type : uint8_t { kUint8, kFloat16, kFloat32 };
const char* TypeName(Type type);  // "uint8", "float16", "float32"

struct Array {
  Type type = Type::kFloat32;
  std::vector<int64_t> shape;  // C order; empty for a single element
  std::vector<uint8_t> bytes;  // of the elements, little-endian

  size_t elements() const;
  float Value(size_t i) const;  // of element `i`, exact
  std::vector<float> Values() const;
};
Array FromFloats(std::vector<int64_t> shape, const std::vector<float>& values);

// "2x3x4", or "scalar".
std::string ShapeText(const std::vector<int64_t>& shape);

// Throws trace::FileError that names the file and the fault: no file, no .npy file, another element
// type or order, a size that the shape does not tell.
Array Read(const std::string& path);

// The bytes of a file, version 1.0.
std::string Serialize(const Array& array);

}  // namespace nibble::npy
