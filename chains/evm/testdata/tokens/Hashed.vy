# SPDX-License-Identifier: Apache-2.0
#pragma version 0.4.3
# A token for local test chains only. Vyper hashes slot and holder the other way round than Solidity.

name: public(String[32])
balanceOf: public(HashMap[address, uint256])

@external
def mint(to: address, amount: uint256):
    self.balanceOf[to] += amount
