// What a study is after: figures of its rows, and the points that no other beats.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sw/study/row.h"

namespace nibble::study {

struct Objective {
  std::string name;   // one of ObjectiveNames()
  std::string unit;   // "mJ"
  double scale = 1;   // from the row's unit to `unit`
  bool most = false;  // the more the better
};

std::string ObjectiveNames();  // "accuracy, latency, ...": all that are known

// "energy,latency". Throws platforms::ParameterError that names the known ones, for an unknown one
// or one given twice.
std::vector<Objective> ParseObjectives(const std::string& list);

// By objective, in its unit; nothing for a row that is not ok. Accuracy is, in percent of images,
// top-1 where the study has labels, else agreement with FP32 where it has images; where it has
// none, the SQNR of the one generated input, in dB (evaluation::kExactDb of an equal output,
// kLostDb of one that holds NaN or infinity). Throws platforms::ParameterError where the row has no
// such figure.
std::optional<std::vector<double>> ValuesOf(const Row& row,
                                            const std::vector<Objective>& objectives);

// Costs: what is to be small, by point and objective; those of `most` objectives negated.
std::vector<double> Costs(const std::vector<double>& values,
                          const std::vector<Objective>& objectives);

// No worse in any and better in one.
bool Dominates(const std::vector<double>& a, const std::vector<double>& b);

// Indices of the points that none dominates, ascending; of equal ones the first.
std::vector<size_t> Front(const std::vector<std::vector<double>>& costs);

// The volume between the points and `reference`, each of its costs above theirs (points that are
// not below it count nothing). Of 1 to 4 objectives.
double Hypervolume(const std::vector<std::vector<double>>& costs,
                   const std::vector<double>& reference);

}  // namespace nibble::study
