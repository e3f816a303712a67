// What a retraining is told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nibble::retraining {

enum class Optimiser : uint8_t { kAdam, kSgd };

struct Settings {
  // Steps that train each block alone, one block after the other; then steps that train the whole
  // network.
  int block_steps = 0, steps = 1000;
  int batch = 16;
  Optimiser optimiser = Optimiser::kAdam;
  // At its height. Adam: a step's share of a parameter's typical size, which is the root mean
  // square of an output channel's weights, 1/16 of the output's range for a bias, and a range
  // itself. SGD: the factor of the gradient.
  double rate = 1e-3;
  // Of steps that rebuild the output of a block, at the most positions that such an output has.
  // Falls with the square root of these: a block that sees few learns the images by heart.
  double block_rate = 4e-2;
  bool even_block_rate = false;  // does not fall, and is that of the last block, too
  double warm_up = 0.05;    // share of the steps in which the rate rises; then it falls as a cosine
  double momentum = 0.9;    // of SGD
  double weight_decay = 0;  // of weights, in units of the rate
  double clip = 1;          // largest norm of a gradient under SGD or Adam; 0: any
  double temperature = 2, distillation = 1, blocks = 1, labels = 1;  // of Objective
  bool learn_ranges = true;
  std::vector<std::string> keep;  // layers whose weights and biases stay the parent's
  double crop = 0.6;              // least side of what is cut out of an image, as a share
  bool flip = true;               // left and right, half of the images
  double colour = 0;              // how far each channel's contrast and brightness vary
  double mix = 0;                 // share of the images that are mixed with others; with labels: 0
  int held_back = 10;             // percent of the images
  int interval = 50;              // steps from one look at these, and one checkpoint, to the next
  int patience = 0;  // looks without a better state before training ends; 0: any number
  uint64_t seed = 1;
  int threads = 1;
};

}  // namespace nibble::retraining
