// Class optima by enumeration and damped Newton steps: the search behind `optimum.py`, which feeds and checks it.
//
//     g++ -O3 -march=native -std=c++17 -o search search.cpp && ./search STARTS SEED < problem > answer
//
// An output is a multiset of edges, an edge being a column of a row of the policy: log q(y) = sum n_e log pi_e. Every
// objective is a constant plus a sum over outputs of phi(log q(y)), to be minimised, so gradient and Hessian in the
// logits are sums over outputs too. Outputs with the same edges are merged first. A local search is Levenberg-Marquardt
// in logits scaled by the root of each edge's use, which is the Fisher metric but for a factor: edges of probability
// e^-20 are resolved as well as others. Edges may be absent (probability exactly zero).
//
// Input:  rows width outputs prompts objectives
//         the prompts' weights
//         an output a line: prompt base_mass valid target_mass count edge...   edge = row * width + column
//         an objective a line: kl CONSTANT lambda... weight... (one a prompt) | alpha CONSTANT alpha | clip CONSTANT alpha bound
// Output: an objective a line: value, number of distinct local optima, hits of the best among the starts, and the
//         probability of each edge (rows that no output of the policy reaches are uniform)

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

using Vec = std::vector<double>;
using Edges = std::vector<char>; // which edges are present
constexpr double INF = std::numeric_limits<double>::infinity();

struct Output {
    int prompt;
    double weight, base, target;
    bool valid;
    std::vector<int> path; // edges in order
};

struct Use {
    int edge;
    double times;
};

// Outputs with the same edges: phi(l) = q (m l - b) for kl, -c q^alpha for alpha, the clipped potential for clip.
struct Merged {
    std::vector<Use> uses;
    double m = 0, b = 0; // kl: sum of weights; sum of weight (log a + lambda v). alpha: m = c. clip: m = weight, b = p*
    bool forbidden = false; // kl: the base never makes it
};

int rows, width, edges, prompts;
std::vector<Output> outputs;
std::vector<Merged> targets; // merged outputs with p*-mass m, for starts
std::mt19937_64 random_bits;

double uniform() { return std::uniform_real_distribution<double>(0, 1)(random_bits); }
int below(int n) { return int(random_bits() % uint64_t(n)); }

std::vector<Use> uses_of(const std::vector<int>& path) {
    std::map<int, double> count;
    for (int e : path) count[e] += 1;
    std::vector<Use> uses;
    for (auto [e, n] : count) uses.push_back({e, n});
    return uses;
}

struct Objective {
    std::string kind;
    double constant = 0, alpha = 0, bound = 0;
    Vec lambda, weights; // kl: of the prompts
    std::vector<Merged> terms;

    void merge() {
        std::map<std::pair<std::vector<int>, std::pair<double, double>>, Merged> found;
        for (const Output& o : outputs) {
            if (kind != "kl" && o.target == 0) continue;
            auto key = o.path;
            std::sort(key.begin(), key.end());
            auto apart = kind == "clip" ? std::make_pair(o.weight, o.target) : std::make_pair(0.0, 0.0);
            Merged& into = found[{key, apart}];
            into.uses = uses_of(o.path);
            if (kind == "kl") {
                if (o.base == 0) into.forbidden = true;
                else into.b += weights[o.prompt] * (std::log(o.base) + lambda[o.prompt] * o.valid);
                into.m += weights[o.prompt];
            } else if (kind == "alpha") {
                into.m += o.weight * std::pow(o.target, 1 - alpha) / (alpha * (1 - alpha));
            } else {
                into.m += o.weight;
                into.b = o.target;
            }
        }
        for (auto& [key, merged] : found) terms.push_back(merged);
    }

    // phi, its first and second derivative at log q = l > -inf.
    void phi(const Merged& t, double l, double& f, double& d, double& dd) const {
        if (kind == "alpha") {
            f = -t.m * std::exp(alpha * l);
            d = alpha * f;
            dd = alpha * d;
            return;
        }
        double q = std::exp(l);
        if (kind == "kl") {
            f = q * (t.m * l - t.b);
            d = f + q * t.m;
            dd = d + q * t.m;
            return;
        }
        double corner = t.b * std::pow(1 + bound, -1 / (1 - alpha));
        if (q <= corner) {
            f = d = dd = -t.m * (1 + bound) * q;
            return;
        }
        double power = std::pow(t.b, 1 - alpha) * std::exp(alpha * l);
        f = -t.m * ((1 + bound) * corner + (power - std::pow(t.b, 1 - alpha) * std::pow(corner, alpha)) / alpha);
        d = -t.m * power;
        dd = alpha * d;
    }

    double value(const Vec& logs) const {
        double sum = constant;
        for (const Merged& t : terms) {
            double l = 0, f, d, dd;
            for (const Use& u : t.uses) l += u.times * logs[u.edge];
            if (l == -INF) continue;
            if (t.forbidden) return INF;
            phi(t, l, f, d, dd);
            sum += f;
        }
        return sum;
    }
};

// ---------------------------------------------------------------------------------------------- local search

struct Point {
    Vec logs; // log-probability of each edge; -inf: absent
    double value = INF;
};

void normalise(Vec& logs) {
    for (int r = 0; r < rows; r++) {
        double top = -INF, sum = 0;
        for (int k = 0; k < width; k++) top = std::max(top, logs[r * width + k]);
        if (top == -INF) continue;
        for (int k = 0; k < width; k++) sum += std::exp(logs[r * width + k] - top);
        for (int k = 0; k < width; k++) logs[r * width + k] -= top + std::log(sum);
    }
}

// Cholesky of the lower triangle of `a` (n x n), then the solution of a x = b in place. False: not positive definite.
bool solve(Vec& a, Vec& b, int n) {
    for (int j = 0; j < n; j++) {
        double* row_j = &a[size_t(j) * n];
        double s = row_j[j];
        for (int k = 0; k < j; k++) s -= row_j[k] * row_j[k];
        if (!(s > 1e-14)) return false;
        double d = row_j[j] = std::sqrt(s);
        for (int i = j + 1; i < n; i++) {
            double* row_i = &a[size_t(i) * n];
            double t = row_i[j];
            for (int k = 0; k < j; k++) t -= row_i[k] * row_j[k];
            row_i[j] = t / d;
        }
    }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) b[i] -= a[size_t(i) * n + k] * b[k];
        b[i] /= a[size_t(i) * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++) b[i] -= a[size_t(k) * n + i] * b[k];
        b[i] /= a[size_t(i) * n + i];
    }
    return true;
}

struct Local {
    const Objective& objective;
    std::vector<int> free, index; // edges with something to decide, and their places (-1: none)
    Vec gradient, hessian, scale;

    explicit Local(const Objective& o) : objective(o) {}

    // Gradient and Hessian in the scaled logits of the edges that are present and used.
    void derivatives(const Vec& logs) {
        struct Live {
            const Merged* term;
            double d, dd;
        };
        std::vector<Live> live;
        Vec first(edges, 0), use(edges, 0), row_first(rows, 0), row_use(rows, 0);
        for (const Merged& t : objective.terms) {
            double l = 0, f, d, dd;
            for (const Use& u : t.uses) l += u.times * logs[u.edge];
            if (l == -INF) continue;
            objective.phi(t, l, f, d, dd);
            double size = std::fabs(d) + (objective.kind == "kl" ? std::exp(l) * t.m : 0);
            for (const Use& u : t.uses) {
                first[u.edge] += d * u.times;
                row_first[u.edge / width] += d * u.times;
                use[u.edge] += size * u.times;
                row_use[u.edge / width] += size * u.times;
            }
            live.push_back({&t, d, dd});
        }
        free.clear();
        index.assign(edges, -1);
        for (int r = 0; r < rows; r++) {
            int present = 0;
            for (int k = 0; k < width; k++) present += logs[r * width + k] > -INF;
            if (present < 2 || row_use[r] < 1e-200) continue;
            for (int e = r * width; e < (r + 1) * width; e++) {
                if (logs[e] < -600) continue;
                index[e] = int(free.size());
                free.push_back(e);
            }
        }
        int n = int(free.size());
        Vec pi(n);
        gradient.assign(n, 0);
        scale.assign(n, 0);
        for (int i = 0; i < n; i++) {
            int e = free[i], r = e / width;
            pi[i] = std::exp(logs[e]);
            gradient[i] = first[e] - pi[i] * row_first[r];
            scale[i] = 1 / std::sqrt(std::max(use[e], pi[i] * row_use[r]));
            gradient[i] *= scale[i];
        }
        // sum over outputs of phi'' s s' with s_e = n_e - N_row pi_e, from the sums of n n', n N' and N N'.
        hessian.assign(size_t(n) * n, 0);
        Vec cross(size_t(n) * rows, 0), pairs(size_t(rows) * rows, 0);
        std::vector<std::pair<int, double>> visits;
        for (const Live& t : live) {
            visits.clear();
            for (const Use& u : t.term->uses) {
                int r = u.edge / width;
                if (visits.empty() || visits.back().first != r) visits.push_back({r, 0});
                visits.back().second += u.times;
            }
            for (const Use& u : t.term->uses) {
                if (index[u.edge] < 0) continue;
                double x = t.dd * u.times;
                for (const Use& w : t.term->uses)
                    if (index[w.edge] >= 0) hessian[size_t(index[u.edge]) * n + index[w.edge]] += x * w.times;
                for (auto& [r, times] : visits) cross[size_t(index[u.edge]) * rows + r] += x * times;
            }
            for (auto& [r, x] : visits)
                for (auto& [s, y] : visits) pairs[size_t(r) * rows + s] += t.dd * x * y;
        }
        for (int i = 0; i < n; i++) {
            int r = free[i] / width;
            for (int j = 0; j <= i; j++) {
                int s = free[j] / width;
                double h = hessian[size_t(i) * n + j] - pi[j] * cross[size_t(i) * rows + s] -
                           pi[i] * cross[size_t(j) * rows + r] + pi[i] * pi[j] * pairs[size_t(r) * rows + s];
                if (r == s) h += row_first[r] * pi[i] * pi[j];
                if (i == j) h -= row_first[r] * pi[i];
                hessian[size_t(i) * n + j] = h * scale[i] * scale[j];
            }
        }
    }

    // Minimises from `at`, whose value is known, in at most `limit` steps.
    void descend(Point& at, int limit) {
        double damping = 1;
        int refused = 0;
        bool fresh = true;
        Vec matrix, step, next;
        for (int iteration = 0; iteration < limit; iteration++) {
            if (fresh) derivatives(at.logs);
            fresh = false;
            int n = int(free.size());
            if (n == 0) return;
            matrix = hessian;
            Vec norm(rows, 0);
            for (int i = 0; i < n; i++) norm[free[i] / width] += 1 / (scale[i] * scale[i]);
            for (int i = 0; i < n; i++) {
                matrix[size_t(i) * n + i] += damping;
                // The direction in which a row's logits shift together changes nothing: make it definite.
                for (int j = i; j >= 0 && free[j] / width == free[i] / width; j--)
                    matrix[size_t(i) * n + j] += 1 / (scale[i] * scale[j] * norm[free[i] / width]);
            }
            step = gradient;
            if (!solve(matrix, step, n)) {
                damping = std::max(1e-3, 4 * damping);
                continue;
            }
            double predicted = 0;
            for (int i = 0; i < n; i++) {
                double row = 0;
                for (int j = 0; j < n; j++)
                    row += hessian[j <= i ? size_t(i) * n + j : size_t(j) * n + i] * step[j];
                predicted += step[i] * (gradient[i] - 0.5 * row);
            }
            next = at.logs;
            for (int i = 0; i < n; i++) next[free[i]] -= std::clamp(step[i] * scale[i], -4.0, 4.0);
            normalise(next);
            double value = objective.value(next), gain = at.value - value;
            double floor = 1e-15 * std::max(1e-2, std::fabs(at.value));
            if (predicted < floor && damping < 1e-2) {
                if (gain > 0) at = {next, value};
                return;
            }
            if (gain > 0.75 * predicted) damping = std::max(1e-12, damping / 6);
            else if (gain < 0.25 * predicted) damping *= 3;
            if (gain > 0) {
                at = {next, value};
                fresh = true;
                refused = 0;
            } else {
                damping *= 2;
                if (++refused > 12 || predicted < 1e-2 * floor) return;
            }
        }
    }

    // Removes edges that are better absent, then descends again while that helps.
    void settle(Point& at, int limit) {
        for (int round = 0; round < 4; round++) {
            descend(at, limit);
            Point without = at;
            bool changed = false;
            for (int pass = 0; pass < 2; pass++) {
                double largest = pass == 0 ? std::log(1e-7) : std::log(3e-2);
                for (int e = 0; e < edges; e++) {
                    if (at.logs[e] == -INF || at.logs[e] > largest) continue;
                    Point trial = without;
                    trial.logs[e] = -INF;
                    normalise(trial.logs);
                    trial.value = objective.value(trial.logs);
                    if (trial.value < without.value - 1e-15 * std::fabs(without.value)) without = trial, changed = true;
                }
            }
            if (!changed) return;
            at = without;
        }
    }
};

// ---------------------------------------------------------------------------------------------- supports

// Sets of edges, as large as can be, whose policies make only what the base makes; one set of all edges if it makes all.
// Edges are removed, one of each conflict, until none is left; then as many as possible are put back. First from all
// edges, until `patience` attempts in turn find nothing new; then from each set found with one more edge that must stay.
class SafeSets {
    std::vector<std::pair<std::vector<int>, double>> paths; // with base mass; -1: the base does not make it
    Vec made, bad;                                          // base mass and number of bad paths of each edge
    Edges all;
    std::set<Edges> found;
    double work = 0;

    // The first reason why a set is not safe: edges of which one has to go. Empty: it is safe; {-1}: it cannot be made so.
    std::vector<int> conflict(const Edges& in, size_t from) {
        Edges row_alive(rows, 0);
        for (int e = 0; e < edges; e++)
            if (in[e]) row_alive[e / width] = 1;
        for (size_t i = 0; i < paths.size(); i++) {
            work += 1;
            auto& [path, mass] = paths[(from + i) % paths.size()];
            size_t length = 0;
            while (length < path.size() && in[path[length]]) length++;
            bool dead = length < path.size() && !row_alive[path[length] / width];
            if (dead && length == 0) return {-1};
            if (dead || (length == path.size() && mass < 0)) return {path.begin(), path.begin() + long(length)};
        }
        return {};
    }

    // Makes `in` safe and maximal without removing `kept`; false if that fails or gives a known set. Which edge of a
    // conflict goes is drawn anew each time, more likely one that makes bad outputs, or follows one random order.
    bool add(Edges in, int kept) {
        double sharpness = 2 * std::max(0.0, uniform() - 0.4);
        bool ordered = below(3) == 0;
        Vec rank(edges);
        for (double& x : rank) x = uniform();
        std::vector<int> why;
        while (!(why = conflict(in, random_bits() % paths.size())).empty()) {
            why.erase(std::remove(why.begin(), why.end(), kept), why.end());
            if (why.empty() || why[0] < 0) return false;
            int gone = *std::min_element(why.begin(), why.end(), [&](int e, int f) { return rank[e] < rank[f]; });
            if (!ordered) {
                Vec weights;
                for (int e : why) weights.push_back(std::pow(bad[e] / made[e], sharpness));
                gone = why[size_t(std::discrete_distribution<int>(weights.begin(), weights.end())(random_bits))];
            }
            in[gone] = 0;
        }
        std::vector<int> order(edges);
        std::iota(order.begin(), order.end(), 0);
        std::shuffle(order.begin(), order.end(), random_bits);
        for (bool changed = true; changed;) {
            changed = false;
            for (int e : order) {
                if (in[e] || !all[e]) continue;
                in[e] = 1;
                if (conflict(in, 0).empty()) changed = true;
                else in[e] = 0;
            }
        }
        return found.insert(in).second;
    }

  public:
    std::vector<Edges> list(int patience, double budget) {
        std::map<std::vector<int>, double> merged;
        for (const Output& o : outputs) {
            double& mass = merged.insert({o.path, 0}).first->second;
            mass = o.base == 0 || mass < 0 ? -1 : mass + o.weight * o.base;
        }
        paths.assign(merged.begin(), merged.end());
        made.assign(edges, 0), bad.assign(edges, 0), all.assign(edges, 1);
        for (auto& [path, mass] : paths)
            for (int e : path) mass > 0 ? made[e] += mass : bad[e] += 1;
        if (std::all_of(bad.begin(), bad.end(), [](double b) { return b == 0; })) return {all};
        for (int e = 0; e < edges; e++) all[e] = made[e] > 0;

        for (int idle = 0; idle < patience && work < budget; idle++)
            if (add(all, -1)) idle = 0;
        std::set<Edges> done;
        for (bool fresh = true; fresh;) {
            fresh = false;
            std::vector<Edges> now(found.begin(), found.end());
            for (const Edges& in : now) {
                if (!done.insert(in).second) continue;
                fresh = true;
                for (int e = 0; e < edges; e++) {
                    if (in[e] || !all[e] || work > 3 * budget) continue;
                    Edges with = in;
                    with[e] = 1;
                    for (int i = 0; i < 6; i++) add(with, e);
                }
            }
        }
        return {found.begin(), found.end()};
    }
};

// ---------------------------------------------------------------------------------------------- starts

void dirichlet_row(Vec& probabilities, int row, const Edges& in, double concentration) {
    std::gamma_distribution<double> gamma(concentration, 1);
    double sum = 0;
    for (int e = row * width; e < (row + 1) * width; e++) sum += probabilities[e] = in[e] ? gamma(random_bits) + 1e-30 : 0;
    for (int e = row * width; sum > 0 && e < (row + 1) * width; e++) probabilities[e] /= sum;
}

Vec dirichlet(const Edges& in, double concentration) {
    Vec probabilities(edges, 0);
    for (int r = 0; r < rows; r++) dirichlet_row(probabilities, r, in, concentration);
    return probabilities;
}

// The maximum-likelihood policy of weighted targets, `noise` of a random policy mixed in.
Vec fit(const std::vector<std::pair<int, double>>& of, const Edges& in, double noise) {
    Vec count(edges, 0), random = dirichlet(in, 1);
    for (auto& [i, weight] : of)
        for (const Use& u : targets[i].uses) count[u.edge] += weight * u.times;
    for (int r = 0; r < rows; r++) {
        double sum = 0;
        for (int e = r * width; e < (r + 1) * width; e++) sum += count[e];
        for (int e = r * width; e < (r + 1) * width; e++)
            random[e] = sum > 0 ? (1 - noise) * count[e] / sum + noise * random[e] : random[e];
    }
    return random;
}

Point point(const Vec& probabilities, const Objective& objective) {
    Point at;
    for (double p : probabilities) at.logs.push_back(std::log(p));
    normalise(at.logs);
    at.value = objective.value(at.logs);
    return at;
}

std::vector<int> within(const Edges& in) {
    std::vector<int> found;
    for (size_t i = 0; i < targets.size(); i++) {
        bool all = true;
        for (const Use& u : targets[i].uses) all = all && in[u.edge];
        if (all) found.push_back(int(i));
    }
    return found;
}

Vec random_start(const Edges& in, const std::vector<int>& usable, int number) {
    static const double NOISE[] = {0, 1e-6, 1e-3, 0.03, 0.2}, SPREAD[] = {0.05, 0.2, 1, 5};
    if (usable.empty() || number % 5 == 0) return dirichlet(in, SPREAD[below(4)]);
    double noise = NOISE[below(5)], power = uniform() < 0.3 ? 0 : 2 * uniform();
    Vec weights;
    for (int i : usable) weights.push_back(std::pow(targets[i].m, power));
    auto draw = [&](const Vec& w) { return usable[std::discrete_distribution<int>(w.begin(), w.end())(random_bits)]; };
    std::vector<std::pair<int, double>> chosen;
    if (number % 5 == 1) { // one output
        chosen.push_back({draw(weights), 1});
    } else if (number % 5 == 2) { // a few
        for (int n = 2 + below(5); n > 0; n--) chosen.push_back({draw(weights), uniform()});
    } else if (number % 5 == 3) { // all, bent
        power = 0.3 + 3 * uniform();
        for (int i : usable) chosen.push_back({i, std::pow(targets[i].m, power) * std::exp(3 * uniform())});
    } else { // all that avoid a few edges
        Edges fewer = in;
        for (int n = 1 + below(4); n > 0; n--) fewer[below(edges)] = 0;
        for (int i : within(fewer)) chosen.push_back({i, targets[i].m});
        if (chosen.empty()) return dirichlet(in, 0.2);
    }
    return fit(chosen, in, noise);
}

// A neighbour of a point, for hops from one optimum to the next.
Vec disturb(const Point& at, const Edges& in, const std::vector<int>& usable) {
    Vec p(edges);
    for (int e = 0; e < edges; e++) p[e] = std::exp(at.logs[e]);
    int how = below(5);
    if (how == 0 && !usable.empty()) { // towards an output
        Vec other = fit({{usable[below(int(usable.size()))], 1}}, in, 1e-3);
        double share = 0.1 + 0.8 * uniform();
        for (int e = 0; e < edges; e++) p[e] = (1 - share) * p[e] + share * other[e];
    } else if (how <= 2) { // new rows
        for (int n = 1 + below(2); n > 0; n--) dirichlet_row(p, below(rows), in, how == 1 ? 1 : 0.2);
    } else if (how == 3) { // shake and revive
        for (int e = 0; e < edges; e++)
            if (in[e]) p[e] = (p[e] + 1e-3 * uniform()) * std::exp(2 * (uniform() - 0.5));
    } else { // some edges nearly gone, some back
        for (int n = 1 + below(3); n > 0; n--) {
            int e = below(edges);
            if (in[e]) p[e] = p[e] > 0.3 ? 1e-4 : 0.5;
        }
    }
    return p;
}

// ---------------------------------------------------------------------------------------------- search

struct Search {
    Objective& objective;
    std::vector<Edges> sets;
    std::vector<std::vector<int>> usable;
    std::vector<size_t> ranked; // sets by what a quick look finds
    Local local;
    struct Found {
        Point at;
        size_t set;
    };
    std::vector<Found> best; // the best few that differ in value, best first
    int distinct = 0, hits = 0;

    Search(Objective& o, const std::vector<Edges>& s) : objective(o), sets(s), local(o) {
        for (const Edges& in : sets) usable.push_back(within(in));
    }

    double value() const { return best.empty() ? INF : best[0].at.value; }

    static double tolerance(double value) { return 1e-7 * std::max(1e-3, std::fabs(value)); }

    void consider(const Point& at, size_t set) {
        if (!(at.value < INF)) return;
        for (Found& f : best) {
            if (std::fabs(f.at.value - at.value) > tolerance(at.value)) continue;
            if (at.value < f.at.value) f = {at, set};
            return;
        }
        best.push_back({at, set});
        std::sort(best.begin(), best.end(), [](auto& a, auto& b) { return a.at.value < b.at.value; });
        if (best.size() > 6) best.pop_back();
    }

    void run(int starts) {
        std::vector<std::pair<double, size_t>> quick;
        for (size_t s = 0; s < sets.size(); s++) {
            double value = INF;
            for (int i = 0; i < 6 && sets.size() > 1; i++) {
                Point at = point(random_start(sets[s], usable[s], i), objective);
                local.descend(at, 20);
                value = std::min(value, at.value);
            }
            quick.push_back({value, s});
        }
        std::sort(quick.begin(), quick.end());
        for (auto& [value, s] : quick) ranked.push_back(s);

        starts = std::max(starts, 8 * int(std::min<size_t>(sets.size(), 100)));
        std::vector<std::pair<Point, size_t>> coarse;
        double size = 0, used = 0;
        for (const Merged& t : objective.terms) size += double(t.uses.size() * t.uses.size());
        for (int i = 0; i < starts; i++) {
            size_t s = i % 2 ? size_t(below(int(sets.size()))) : ranked[size_t(below(int(std::min<size_t>(5, ranked.size()))))];
            Vec p = size_t(i) < std::min<size_t>(usable[s].size(), size_t(starts) / 5)
                        ? fit({{usable[s][size_t(i)], 1}}, sets[s], 1e-3) // each of the likeliest outputs alone
                        : random_start(sets[s], usable[s], i / 2);
            Point at = point(p, objective);
            local.descend(at, 12);
            used = std::max(used, double(local.free.size()));
            coarse.push_back({at, s});
        }
        std::sort(coarse.begin(), coarse.end(), [](auto& a, auto& b) { return a.first.value < b.first.value; });
        // All starts go to the end where steps are cheap, else the best and a few of the others.
        double cost = size + used * used * used / 3;
        size_t keep = size_t(std::clamp(2e6 / (cost + 1), 40.0, double(starts)));
        Vec ends;
        for (size_t i = 0; i < coarse.size(); i++) {
            if (i >= keep && below(int(coarse.size())) >= 15) continue;
            auto& [at, s] = coarse[i];
            local.settle(at, 150);
            consider(at, s);
            ends.push_back(at.value);
        }
        std::sort(ends.begin(), ends.end());
        for (size_t i = 0; i < ends.size(); i++) {
            distinct += i == 0 || ends[i] - ends[i - 1] > tolerance(ends[i]);
            hits += ends[i] - value() <= tolerance(ends[i]);
        }
    }

    // Descends from a neighbour of something found; to the end where that may lead to something better.
    void attempt(const Vec& probabilities, size_t set) {
        Point at = point(probabilities, objective);
        if (!(at.value < INF)) return;
        local.descend(at, 25);
        if (at.value > value() + 0.3 * std::fabs(value()) && below(4)) return;
        local.settle(at, 150);
        consider(at, set);
    }

    void hop(int times) {
        for (int i = 0; i < times && !best.empty(); i++) {
            Found from = best[size_t(below(2) ? 0 : below(int(best.size())))];
            attempt(disturb(from.at, sets[from.set], usable[from.set]), from.set);
        }
    }

    // Each row of the best in turn, nearly all on each of its edges: rows of little use hold optima of their own.
    void sweep(int times) {
        for (int round = 0; round < times && !best.empty(); round++) {
            double before = value();
            for (int e = 0; e < edges; e++) {
                Found from = best[0];
                if (!sets[from.set][e]) continue;
                Vec p(edges);
                for (int i = 0; i < edges; i++) p[i] = sets[from.set][i] ? std::exp(from.at.logs[i]) + 1e-6 : 0;
                for (int i = e / width * width; i < (e / width + 1) * width; i++) p[i] *= 0.03;
                p[e] += 0.97;
                attempt(p, from.set);
            }
            if (value() > before - tolerance(before)) return;
        }
    }

    // Starts from another objective's optimum, within each of the likelier sets of edges.
    void from(const Point& other) {
        for (size_t i = 0; i < std::min<size_t>(6, ranked.size()); i++) {
            for (double noise : {1e-4, 3e-2}) {
                size_t s = ranked[i];
                Vec p = dirichlet(sets[s], 1);
                for (int e = 0; e < edges; e++) p[e] = sets[s][e] ? std::exp(other.logs[e]) * (1 - noise) + (noise + 1e-12) * p[e] : 0;
                Point at = point(p, objective);
                if (!(at.value < INF)) continue;
                local.settle(at, 150);
                consider(at, s);
            }
        }
    }
};

int main(int count, char** arguments) {
    int starts = count > 1 ? std::atoi(arguments[1]) : 300, total, kinds;
    random_bits.seed(count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1);
    std::cin >> rows >> width >> total >> prompts >> kinds;
    edges = rows * width;
    Vec weights(prompts);
    for (double& w : weights) std::cin >> w;
    for (int i = 0; i < total; i++) {
        Output o;
        size_t length;
        std::cin >> o.prompt >> o.base >> o.valid >> o.target >> length;
        o.weight = weights[o.prompt];
        o.path.resize(length);
        for (int& e : o.path) std::cin >> e;
        outputs.push_back(o);
    }
    std::map<std::vector<int>, Merged> merged;
    for (const Output& o : outputs) {
        if (o.target == 0) continue;
        auto key = o.path;
        std::sort(key.begin(), key.end());
        merged[key].uses = uses_of(o.path);
        merged[key].m += o.weight * o.target;
    }
    for (auto& [key, target] : merged) targets.push_back(target);
    std::sort(targets.begin(), targets.end(), [](auto& a, auto& b) { return a.m > b.m; });

    std::vector<Objective> objectives(kinds);
    for (Objective& o : objectives) {
        std::cin >> o.kind >> o.constant;
        if (o.kind == "kl") {
            o.lambda.resize(prompts);
            o.weights.resize(prompts);
            for (double& x : o.lambda) std::cin >> x;
            for (double& x : o.weights) std::cin >> x;
        } else {
            std::cin >> o.alpha;
            if (o.kind == "clip") std::cin >> o.bound;
        }
        o.merge();
    }
    // Only edges of some output matter; the clipped potential and alpha care about outputs with p*-mass alone.
    Edges all(edges, 1);
    std::vector<Edges> safe = SafeSets().list(100, 3e8);
    std::vector<Search> searches;
    for (Objective& o : objectives) searches.emplace_back(o, o.kind == "kl" ? safe : std::vector<Edges>{all});
    for (Search& s : searches) {
        if (s.sets.empty()) continue;
        s.run(starts);
        s.hop(starts / 5);
        s.sweep(3);
    }
    for (Search& s : searches) {
        if (s.best.empty()) continue;
        double before = s.value();
        for (Search& other : searches)
            if (&other != &s && !other.best.empty()) s.from(other.best[0].at);
        if (s.value() < before - Search::tolerance(before)) s.hop(starts / 5), s.sweep(3);
        else s.hop(starts / 20);
    }
    for (Search& s : searches) {
        std::printf("%.17g %d %d", s.value(), s.distinct, s.hits);
        for (int e = 0; e < edges && !s.best.empty(); e++) {
            int r = e / width;
            bool dead = true;
            for (int k = 0; k < width; k++) dead = dead && s.best[0].at.logs[r * width + k] == -INF;
            std::printf(" %.17g", dead ? 1.0 / width : std::exp(s.best[0].at.logs[e]));
        }
        std::printf("\n");
    }
}
