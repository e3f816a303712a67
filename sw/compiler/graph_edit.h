// What passes ask of a Graph, and do to it.
#pragma once

#include <cstddef>
#include <string>

#include "sw/compiler/operators.h"

namespace nibble::compiler {

constexpr size_t kNone = SIZE_MAX;

// The operator that writes `value`; kNone for the input and constants.
size_t ProducerOf(const Graph& graph, const std::string& value);
// How often it is read; being the network's output counts.
int Readers(const Graph& graph, const std::string& value);
// The producer of `value` if exactly one operator reads it and it is not the network's output.
size_t SoleProducer(const Graph& graph, const std::string& value);

void Erase(Graph& graph, size_t i);
// Operators whose results nobody reads any more.
void EraseUnread(Graph& graph);

}  // namespace nibble::compiler
