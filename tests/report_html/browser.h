// Pages as a browser makes them.
#pragma once

#include <optional>
#include <string>

namespace nibble::report_html_test {

// The document after its scripts have run, as headless Chromium prints it; `fragment` as "#x=area".
// Nothing, with a message, where there is no chromium.
std::optional<std::string> Dom(const std::string& html, const std::string& fragment = "");

size_t Count(const std::string& text, const std::string& what);
// The text from `from` to the next `to` after it; empty: there is none.
std::string Between(const std::string& text, const std::string& from, const std::string& to);
double Number(const std::string& text, const std::string& after);  // that follows `after`

}  // namespace nibble::report_html_test
