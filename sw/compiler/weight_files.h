// Weights of layers as NumPy files, for tools that quantise elsewhere, and what comes back.
//
// A layer's files are named after it, each character but letters, digits, '.', '_' and '-' in its
// name replaced by '_'. Weights are [out][kernel_h][kernel_w][in], those of a depthwise layer
// [out][kernel_h * kernel_w], of a fully connected one [out][in]: blocks run along the last axis.
//
//   NAME.npy         float32, the weights
//   NAME.codes.npy   uint8, the same shape but for the last axis, which holds two E2M1 codes a
//   byte,
//                    even element in bits 3:0, a last odd nibble 0
//   NAME.scales.npy  uint8, the last axis holds the E4M3 byte of each block
//   NAME.s_dec.npy   float32, one element: the tensor's scale S_dec; 1 where there is none
#pragma once

#include <functional>
#include <string>

#include "sw/trace/network.h"

namespace nibble::compiler {

// Hands the name and the bytes of NAME.npy of every layer that has weights to `write`, which puts
// them somewhere. Returns their number.
int ExportWeights(
    const trace::Network& net,
    const std::function<void(const std::string& name, const std::string& bytes)>& write);

// Takes the codes of those layers whose files are in `directory` as their weights; the others keep
// what they have, and biases stay. Returns their number. Throws trace::FileError for a file of
// codes, scales or S_dec that belongs to no layer or misses its companions, for shapes that do not
// fit the layer, and where there are none.
int ImportWeights(const std::string& directory, int block, trace::Network& net);

}  // namespace nibble::compiler
