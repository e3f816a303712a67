// Runs the SystemC kernel.
#pragma once

namespace nibble::sim {

// sc_start() until nothing is left to happen, and then sets right what AddressSanitizer knows of
// the main stack: SystemC 2.3.4 announces the switch back to it as one to a stack without extent,
// after which every exception is reported as an error.
void RunKernel();

}  // namespace nibble::sim
