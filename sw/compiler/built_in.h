// The built-in networks, one function each; `resolution` is the input's height and width.
#pragma once

#include "sw/trace/network.h"

namespace nibble::compiler {

trace::Network MobileNetV1(int resolution);  // mobilenets.cpp
trace::Network MobileNetV2(int resolution);
trace::Network MobileNetV3Small(int resolution);
trace::Network MobileNetV3Large(int resolution);
trace::Network MnasNet(int resolution);
trace::Network EfficientNetB0(int resolution);
trace::Network ShuffleNetV2(int resolution);  // other_networks.cpp
trace::Network SqueezeNet(int resolution);
trace::Network ResNet50(int resolution);
trace::Network ViTTiny(int resolution);  // transformers.cpp

}  // namespace nibble::compiler
