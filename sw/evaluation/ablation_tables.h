// An ablation as text, Markdown and CSV.
#pragma once

#include <string>
#include <vector>

#include "sw/evaluation/ablation.h"

namespace nibble::evaluation {

enum class TableStyle { kText, kMarkdown };

// A table a measure (top-1 where there are labels, agreement, SQNR, bits, cycles, energy): one row
// a network, one column a cell. Then why cells are empty.
std::string AblationTables(const Study& study, const std::vector<AblationRow>& rows,
                           TableStyle style);

// One line a network and cell, every measure.
std::string AblationCsv(const Study& study, const std::vector<AblationRow>& rows);

}  // namespace nibble::evaluation
