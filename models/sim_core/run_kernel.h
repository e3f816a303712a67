// Runs and stops the SystemC kernel.
#pragma once

namespace nibble::sim {

// sc_start() until nothing is left to happen, and then sets right what AddressSanitizer knows of
// the main stack: SystemC 2.3.4 announces the switch back to it as one to a stack without extent,
// after which every exception is reported as an error.
void RunKernel();

// Ends RunKernel() with the present instant. Several parts of a machine may find in the same
// instant that the run is over (the last layer, an interrupt, the host); sc_stop() would print a
// warning on stdout about every one after the first.
void StopKernel();

}  // namespace nibble::sim
