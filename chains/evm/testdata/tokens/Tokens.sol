// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Tokens for local test chains only, each of which stores balances in another way. Anyone mints.

/// A proxy that keeps the address of its code in a slot of its maker's choice.
contract Proxy {
    bytes32 private immutable slot;

    constructor(bytes32 slot_, address implementation) {
        slot = slot_;
        assembly { sstore(slot_, implementation) }
    }

    fallback() external payable {
        bytes32 slot_ = slot;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), sload(slot_), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if done { return(0, returndatasize()) }
            revert(0, returndatasize())
        }
    }
}

/// A mapping of balances and nothing else, at slot 3.
contract Plain {
    uint256[3] private before;
    mapping(address => uint256) private balances;

    function mint(address to, uint256 amount) external { balances[to] += amount; }

    function balanceOf(address holder) external view returns (uint256) { return balances[holder]; }
}

/// The top bit of a holder's word says that they are blacklisted, at slot 9, as in FiatToken 2.2.
contract Packed {
    uint256[9] private before;
    mapping(address => uint256) private balancesAndFlags;

    function mint(address to, uint256 amount) external { balancesAndFlags[to] += amount; }

    function blacklist(address holder) external { balancesAndFlags[holder] |= 1 << 255; }

    function balanceOf(address holder) external view returns (uint256) { return balancesAndFlags[holder] & ((1 << 255) - 1); }
}

/// Half of a holder's word is the balance.
contract Halves {
    struct Account { uint128 balance; uint64 since; uint64 actions; }

    mapping(address => Account) private accounts;

    function mint(address to, uint256 amount) external {
        Account storage a = accounts[to];
        a.balance += uint128(amount);
        a.since = uint64(block.timestamp);
        a.actions++;
    }

    function balanceOf(address holder) external view returns (uint256) { return accounts[holder].balance; }
}

/// A mapping in the namespace of OpenZeppelin's upgradeable ERC-20 of version 5.
contract Namespaced {
    struct Storage { mapping(address => uint256) balances; }

    function stored() private pure returns (Storage storage s) {
        assembly { s.slot := 0x52c63247e1f47db19d5ce0460030c497f067ca4cebf71ba98eeadabe20bace00 }
    }

    function mint(address to, uint256 amount) external { stored().balances[to] += amount; }

    function balanceOf(address holder) external view returns (uint256) { return stored().balances[holder]; }
}

/// Two mappings, of which a balance is the sum.
contract Split {
    mapping(address => uint256) private liquid;
    mapping(address => uint256) private locked;

    function mint(address to, uint256 amount) external {
        liquid[to] += amount / 3;
        locked[to] += amount - amount / 3;
    }

    function balanceOf(address holder) external view returns (uint256) { return liquid[holder] + locked[holder]; }
}

/// Shares of what validators and a buffer hold, with the totals packed in halves, as in stETH.
contract Shares {
    mapping(address => uint256) private shares;

    bytes32 private constant TOTALS = keccak256("test.Shares.totalAndExternal"); // all shares below, those outside above
    bytes32 private constant ETHER = keccak256("test.Shares.bufferedAndDeposited"); // wei below, validators ever above
    bytes32 private constant BEACON = keccak256("test.Shares.balanceAndValidators"); // wei below, validators seen above
    uint256 private constant HALF = (1 << 128) - 1;

    function read(bytes32 slot) private view returns (uint256 lower, uint256 upper) {
        uint256 word;
        assembly { word := sload(slot) }
        return (word & HALF, word >> 128);
    }

    function write(bytes32 slot, uint256 lower, uint256 upper) private {
        uint256 word = lower | (upper << 128);
        assembly { sstore(slot, word) }
    }

    function mint(address to, uint256 amount) external {
        shares[to] += amount;
        (uint256 all, uint256 outside) = read(TOTALS);
        write(TOTALS, all + amount, outside);
    }

    function report(uint256 outside, uint256 buffered, uint256 deposited, uint256 balance, uint256 seen) external {
        (uint256 all, ) = read(TOTALS);
        write(TOTALS, all, outside);
        write(ETHER, buffered, deposited);
        write(BEACON, balance, seen);
    }

    function balanceOf(address holder) external view returns (uint256) {
        (uint256 all, uint256 outside) = read(TOTALS);
        (uint256 buffered, uint256 deposited) = read(ETHER);
        (uint256 balance, uint256 seen) = read(BEACON);
        if (all == outside) return 0;
        return shares[holder] * (buffered + balance + (deposited - seen) * 32 ether) / (all - outside);
    }
}

/// What an Aave pool keeps of each asset, and where.
contract Pool {
    struct Reserve {
        uint256 configuration;
        uint128 liquidityIndex;
        uint128 currentLiquidityRate;
        uint128 variableBorrowIndex;
        uint128 currentVariableBorrowRate;
        uint128 unused;
        uint40 lastUpdateTimestamp;
        uint16 id;
    }

    uint256[52] private before;
    mapping(address => Reserve) private reserves; // slot 52

    function set(address asset, uint128 index, uint128 rate) external {
        Reserve storage r = reserves[asset];
        r.liquidityIndex = index;
        r.currentLiquidityRate = rate;
        r.unused = type(uint128).max;
        r.lastUpdateTimestamp = uint40(block.timestamp);
        r.id = 7;
    }

    function getReserveNormalizedIncome(address asset) external view returns (uint256) {
        Reserve storage r = reserves[asset];
        if (r.lastUpdateTimestamp == block.timestamp) return r.liquidityIndex;
        uint256 linear = 1e27 + uint256(r.currentLiquidityRate) * (block.timestamp - r.lastUpdateTimestamp) / 365 days;
        return (linear * r.liquidityIndex + 0.5e27) / 1e27;
    }
}

/// Balances scaled down by the pool's income, packed as in an aToken.
contract Scaled {
    struct State { uint128 balance; uint128 additionalData; }

    uint256[52] private before;
    mapping(address => State) private states; // slot 52
    Pool private immutable pool;
    address private immutable asset;
    uint256 private immutable half; // added before a balance is divided: 0 rounds down

    constructor(Pool pool_, address asset_, uint256 half_) {
        (pool, asset, half) = (pool_, asset_, half_);
    }

    function mint(address to, uint256 scaled) external {
        states[to].balance += uint128(scaled);
        states[to].additionalData = uint128(pool.getReserveNormalizedIncome(asset));
    }

    function balanceOf(address holder) external view returns (uint256) {
        return (uint256(states[holder].balance) * pool.getReserveNormalizedIncome(asset) + half) / 1e27;
    }
}
