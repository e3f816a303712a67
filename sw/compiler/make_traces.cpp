// Makes the committed traces anew: make_traces DIRECTORY.
#include <exception>
#include <iostream>
#include <string>

#include "sw/compiler/recipe.h"
#include "sw/trace/file.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_traces DIRECTORY\n";
    return 2;
  }
  try {
    const nibble::trace::Network net = nibble::compiler::CompileBuiltIn("mobilenet_v2");
    for (const char* name : {"mobilenet_v2.trc", "mobilenet.trc"}) {
      nibble::trace::Write(net, std::string(argv[1]) + "/" + name);
    }
  } catch (const std::exception& e) {
    std::cerr << "make_traces: " << e.what() << '\n';
    return 3;
  }
  return 0;
}
