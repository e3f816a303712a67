#include "sw/report_html/page.h"

#include "sw/report_html/assets.h"
#include "sw/report_html/svg.h"

namespace nibble::report_html {

std::string Section(const std::string& heading, const std::string& text, const std::string& chart) {
  if (chart.empty()) return "";
  return "<section>\n<h2>" + Escape(heading) + "</h2>\n" +
         (text.empty() ? "" : "<p class=\"note\">" + Escape(text) + "</p>\n") + chart +
         "</section>\n";
}

std::string Html(const Page& page) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      Escape(page.title) + "</title>\n<style>\n" + kStyle + "</style>\n</head>\n<body class=\"" +
      page.kind + "\">\n<header>\n<h1>" + Escape(page.title) + "</h1>\n<p class=\"sub\">" +
      Escape(page.subtitle) + "</p>\n<ul class=\"facts\">\n";
  for (const auto& [value, name] : page.facts) {
    html += "<li><b>" + Escape(value) + "</b><span>" + Escape(name) + "</span></li>\n";
  }
  html += "</ul>\n</header>\n<main>\n" + page.body + "</main>\n<div id=\"tip\"></div>\n";
  if (!page.json.empty()) {
    std::string json = page.json;  // "</script>" in a name must not end the element
    for (size_t at = json.find("</"); at != std::string::npos; at = json.find("</", at + 3)) {
      json.replace(at, 2, "<\\/");
    }
    html += "<script type=\"application/json\" id=\"data\">" + json + "</script>\n<script>\n" +
            std::string(kScript) + "</script>\n";
  }
  return html + "</body>\n</html>\n";
}

}  // namespace nibble::report_html
