// style.css and script.js, put into the program when it is built.
#pragma once

namespace nibble::report_html {

extern const char kStyle[];
extern const char kScript[];

}  // namespace nibble::report_html
