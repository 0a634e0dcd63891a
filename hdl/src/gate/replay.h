// Replays a recording (see record.rs) through a Verilated block. Included behind the model, before
// the list of its ports.
#include <cstdint>
#include <cstdio>
#include <functional>
#include <vector>

class Replay;
void ports(Vblock& block, Replay& replay);

// Verilator keeps ports of up to 64 bits as integers, wider ones as arrays of words.
template <typename T> uint32_t get(const T& port, int word) { return (uint32_t)((uint64_t)port >> (32 * word)); }
template <std::size_t N> uint32_t get(const VlWide<N>& port, int word) { return port[word]; }
template <typename T> void put(T& port, const uint32_t* words, int count) {
    port = (T)(count > 1 ? (uint64_t)words[1] << 32 | words[0] : words[0]);
}
template <std::size_t N> void put(VlWide<N>& port, const uint32_t* words, int count) {
    for (int word = 0; word < count; word++) port[word] = words[word];
}

class Replay {
public:
    template <typename T> void input(T& port, int count) {
        before_.push_back([&port, count, at = at_](const uint32_t* cycle) { put(port, cycle + at, count); });
        at_ += count;
    }
    template <typename T> void output(const char* name, T& port, int count) {
        after_.push_back([=, &port, at = at_](const uint32_t* cycle, std::size_t number) {
            for (int word = 0; word < count; word++)
                if (get(port, word) != cycle[at + word]) return differs(name, port, count, cycle + at, number);
            return true;
        });
        at_ += count;
    }
    void clock(CData& port) { clocks_.push_back(&port); }

    bool run(Vblock& block, const std::vector<uint32_t>& words) {
        block.eval();
        for (std::size_t number = 0; (number + 1) * at_ <= words.size(); number++) {
            const uint32_t* cycle = &words[number * at_];
            for (auto& set : before_) set(cycle);
            block.eval();
            for (auto& compare : after_)
                if (!compare(cycle, number)) return false;
            for (std::size_t index = 0; index < clocks_.size(); index++) {
                if (!(cycle[0] >> index & 1)) continue;
                for (int level : {1, 0}) {
                    *clocks_[index] = level;
                    block.eval();
                }
            }
        }
        return true;
    }

private:
    template <typename T>
    bool differs(const char* name, const T& port, int count, const uint32_t* expected, std::size_t number) {
        printf("cycle %zu, port %s: rust-hdl ", number, name);
        for (int word = count - 1; word >= 0; word--) printf("%08x", expected[word]);
        printf(", Verilog ");
        for (int word = count - 1; word >= 0; word--) printf("%08x", get(port, word));
        printf("\n");
        return false;
    }

    // Word 0 of a cycle tells which clocks tick.
    std::size_t at_ = 1;
    std::vector<std::function<void(const uint32_t*)>> before_;
    std::vector<std::function<bool(const uint32_t*, std::size_t)>> after_;
    std::vector<CData*> clocks_;
};

int main(int, char** arguments) {
    std::vector<uint32_t> words;
    FILE* file = fopen(arguments[1], "rb");
    if (!file) return 2;
    uint32_t buffer[4096];
    while (std::size_t count = fread(buffer, 4, 4096, file)) words.insert(words.end(), buffer, buffer + count);
    fclose(file);
    VerilatedContext context;
    Vblock block{&context};
    Replay replay;
    ports(block, replay);
    bool same = replay.run(block, words);
    block.final();
    return same ? 0 : 1;
}
