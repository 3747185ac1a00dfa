"""The storm of kills: what scripts/stress and bench/peers/kill_mix_on_ray have in common."""
