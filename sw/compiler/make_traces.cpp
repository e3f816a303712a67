// Makes the committed traces anew: make_traces DIRECTORY.
#include <exception>
#include <iostream>
#include <string>

#include "sw/compiler/compiler.h"
#include "sw/compiler/recipe.h"
#include "sw/trace/file.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_traces DIRECTORY\n";
    return 2;
  }
  try {
    const std::string directory = std::string(argv[1]) + "/";
    for (const std::string& name : nibble::compiler::BuiltInNetworks()) {
      const nibble::trace::Network net = nibble::compiler::CompileBuiltIn(name);
      nibble::trace::Write(net, directory + name + ".trc");
      // The short name that examples use.
      if (name == "mobilenet_v2") nibble::trace::Write(net, directory + "mobilenet.trc");
    }
  } catch (const std::exception& e) {
    std::cerr << "make_traces: " << e.what() << '\n';
    return 3;
  }
  return 0;
}
